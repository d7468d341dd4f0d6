# SPDX-License-Identifier: Apache-2.0
# Completion of busbarsim for bash. A test holds the commands to what
# `busbarsim --help` says.

_busbarsim() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='serve demo replay run list compare ride-through sweep campaign forecast load'
    local options='--help --version' command=${COMP_WORDS[1]}
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands $options" -- "$cur")
        return
    fi
    case $prev in
    --csv | --svg | --map | --trace | --busbard | --record | --write-config | --ctl | --events | --arrivals)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --run-dir | --keep-dir | --state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --controller)
        mapfile -t COMPREPLY < <(compgen -W 'none busbar' -- "$cur")
        return
        ;;
    --combine)
        mapfile -t COMPREPLY < <(compgen -W 'sum each' -- "$cur")
        return
        ;;
    --start)
        mapfile -t COMPREPLY < <(compgen -W 'stock short-boot kept-alive' -- "$cur")
        return
        ;;
    --variant)
        mapfile -t COMPREPLY < <(compgen -W 'rack gpu' -- "$cur")
        return
        ;;
    --set)
        mapfile -t COMPREPLY < <(compgen -S = -W 'rack start forecast job nominal_v baud load_ratio envelope_ratio
            envelope_w period_ms seconds settle_s phase_ratio' -- "$cur")
        compopt -o nospace
        return
        ;;
    --column | --time | --group | --horizon-ms | --resample-ms | --hint-age-ms | --sensor-ms | \
        --sensor-age-ms | --event-threshold | --event-w | --cap-w | --score-ms)
        return
        ;;
    --seed | --seconds | --racks | --runs | --jobs | --points | --envelope-w | --charge-timeout-s | --rt-priority | \
        --instances | --scrape-ms | --hold-passes)
        return
        ;;
    esac
    case $command in
    serve) options='--run-dir --write-config --trace --generate --load --discharged --seed --envelope-w
        --charge-timeout-s --rt-priority --ctl --modbus-tcp --seconds --json --help --version' ;;
    demo) options='--busbard --seconds --trace --generate --seed --record --keep-dir --json --help --version' ;;
    replay) options='--from-start --runs --verbose --json --help --version' ;;
    run) options='--controller --seed --set --seconds --json --csv --svg --help --version' ;;
    list) options='--json --help --version' ;;
    compare) options='--controller --set --seed --svg --json --help --version' ;;
    ride-through) options='--scenario --nominal --start --seed --svg --map --points --json --help --version' ;;
    sweep) options='--racks --seed --csv --json --help --version' ;;
    forecast) options='--column --time --horizon-ms --group --combine --resample-ms --events --hint-age-ms --sensor-ms
        --sensor-age-ms --event-threshold --event-w --cap-w --score-ms --variant --json --svg --help --version' ;;
    load) options='--csv --events --instances --seconds --seed --arrivals --scrape-ms --hold-passes --help --version' ;;
    campaign) options='--runs --seed --jobs --state --stop-first --seconds --without --json --help --version' ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $command in
    run | compare | sweep)
        mapfile -t COMPREPLY < <(compgen -W "$(busbarsim list 2>/dev/null | awk '{ print $1 }')" -- "$cur")
        ;;
    load) mapfile -t COMPREPLY < <(compgen -W 'inference' -- "$cur") ;;
    serve | demo | replay | forecast) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    esac
}

complete -F _busbarsim busbarsim
