/* SPDX-License-Identifier: Apache-2.0 */
/* cli_verify.h: `busbarctl verify`: is all of it there and well, part by part. */
#ifndef CLI_CLI_VERIFY_H
#define CLI_CLI_VERIFY_H

#include "busbar/conf.h"
#include "cli.h"

struct json_object;

#define CLI_VERIFY_TEXT                                                                                      \
    "Without more words: the configuration, the state directory, the daemon, every bus and device, BMCs,\n"  \
    "clocks and leases, each a part that is healthy, not healthy or skipped with a reason. Reads only;\n"    \
    "--force-writes: each settings row that a lever holds is written with the value it has, and read "       \
    "back.\n"                                                                                                \
    "Where a daemon holds a bus, through it, and then nothing is written. Exits 1 where a part is not "      \
    "well.\n\n"                                                                                              \
    "bmc-health start    checks every BMC of the configuration, or of --nodes A,B, or --link redfish:URL, "  \
    "as a\n"                                                                                                 \
    "                    task of its own that outlives this program; --wait stays until it is done and "     \
    "shows\n"                                                                                                \
    "                    its report. A task that was cut off goes on where it was. One runs at a time.\n"    \
    "bmc-health status   how far it is\n"                                                                    \
    "bmc-health report   what was found: issues, latencies with their gates, a Day-0 report a BMC\n\n"       \
    "--config FILE       (/etc/busbar/busbar.yaml)\n"                                                        \
    "--state-dir DIR     where the task's files are (the configuration's, then /var/lib/busbar)\n"           \
    "--samples N         telemetry readings of each BMC (20), --every MS apart (500)\n"                      \
    "--concurrency N     BMCs at a time (4)\n"                                                               \
    "--expected-edpp-pct N   another EDPp is an issue\n"                                                     \
    "--firmware-floor V, --redfish-floor V   an older one is an issue\n"                                     \
    "--force-writes      limits go one watt down and back, each recorded first; not while a daemon runs\n"   \
    "--for MS            longest wait for a write to read back (1000)\n"                                     \
    "--timeout MS        of one answer (10000)\n"                                                            \
    "--user NAME --password-file FILE --ca-file FILE --pin sha256//HASH   of the BMC of --link\n"            \
    "--summary-only      a report without the nodes\n\n"                                                     \
    "Exit status of start --wait, status and report: 0 done, and no issue is an error; status also while "   \
    "it\n"                                                                                                   \
    "runs. 1 otherwise."

#define CLI_VERIFY_CONFIG    "/etc/busbar/busbar.yaml"
#define CLI_VERIFY_STATE_DIR "/var/lib/busbar"

/* Loads --config or the usual file. CLI_FAILED: said, but for the usual file that is not
 * there: then *ret is NULL and CLI_DONE. */
int cli_verify_config(struct cli *cli, struct conf **ret);

/* Every part into `parts`; how many are not healthy. */
int cli_verify_parts(struct cli *cli, const struct conf *conf, struct json_object *parts);

int cli_verify_health(struct cli *cli);

#endif
