# SPDX-License-Identifier: Apache-2.0
# Completion of busbarctl for bash. A test holds the commands and their options
# to what `busbarctl --help` says.

_busbarctl_ask() {
    # Names from the daemon, where there is one and its user may ask it.
    local socket=/run/busbar/busbar.sock i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --socket ]] && socket=${COMP_WORDS[i + 1]}
    done
    busbarctl "$1" --socket "$socket" 2>/dev/null | awk 'NR > 1 && NF == 0 { exit } NR > 1 { print $1 }'
}

_busbarctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='status devices events mode limits nodes levers why top stats record token hint reload profile device verify'
    local options='--json --socket --help' command='' word words=0 i
    COMPREPLY=()

    case $prev in
    --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --profiles | --state-dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --config | --password-file | --ca-file | --profile)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --link)
        mapfile -t COMPREPLY < <(compgen -W 'i2c:/dev/i2c- rtu:/dev/tty tcp: redfish:https:// smbus:' -- "$cur")
        return
        ;;
    --seconds | --for | --client | --priority | --name | --signal | --timeout | --every | --user | --pin | --nodes | --samples | --concurrency | \
        --speeds | --records | --words | --step | --expected-edpp-pct | --firmware-floor | --redfish-floor)
        return
        ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --socket | --seconds | --for | --client | --priority | --link | --profile | --profiles | --config | --state-dir | --name | \
            --signal | --timeout | --every | --user | --password-file | --ca-file | --pin | --nodes | --samples | --concurrency | \
            --speeds | --records | --words | --step | --expected-edpp-pct | --firmware-floor | --redfish-floor) ((i++)) ;;
        -*) ;;
        *) if [[ -z $command ]]; then command=$word; else ((words++)); fi ;;
        esac
    done

    case $command in
    '') options+=' --version' ;;
    events) options+=' --follow' ;;
    top) options+=' --once --seconds' ;;
    record) options+=' --seconds' ;;
    token) options+=' --for --client --priority' ;;
    hint) options+=' --nodes --every --seconds' ;;
    profile) options+=' --profiles' ;;
    device)
        options+=' --link --profile --profiles --config --state-dir --name --signal --yes --timeout --every --seconds --for'
        options+=' --user --password-file --ca-file --pin --speeds --records --words --step'
        ;;
    verify)
        options+=' --config --state-dir --timeout --force-writes --link --nodes --samples --every --concurrency --wait --for'
        options+=' --expected-edpp-pct --firmware-floor --redfish-floor --summary-only --user --password-file --ca-file --pin'
        ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $command:$words in
    :0) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
    mode:0) mapfile -t COMPREPLY < <(compgen -W 'observe control emergency' -- "$cur") ;;
    record:0) mapfile -t COMPREPLY < <(compgen -W 'save' -- "$cur") ;;
    token:0) mapfile -t COMPREPLY < <(compgen -W 'request return list' -- "$cur") ;;
    hint:0) mapfile -t COMPREPLY < <(compgen -W 'step part stop go start end queue running follow scrape' -- "$cur") ;;
    token:1) mapfile -t COMPREPLY < <(compgen -W "$(_busbarctl_ask nodes)" -- "$cur") ;;
    profile:0) mapfile -t COMPREPLY < <(compgen -W 'check' -- "$cur") ;;
    device:0) mapfile -t COMPREPLY < <(compgen -W 'scan read write watch file' -- "$cur") ;;
    verify:0) mapfile -t COMPREPLY < <(compgen -W 'bmc-health' -- "$cur") ;;
    verify:1) mapfile -t COMPREPLY < <(compgen -W 'start status report' -- "$cur") ;;
    record:1 | hint:1 | profile:*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    devices:0) mapfile -t COMPREPLY < <(compgen -W "$(_busbarctl_ask devices)" -- "$cur") ;;
    levers:0 | why:0) mapfile -t COMPREPLY < <(compgen -W "$(_busbarctl_ask levers)" -- "$cur") ;;
    esac
}

complete -F _busbarctl busbarctl
