/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_redfish.h: what one BMC tells, as JSON; for `device` and for `verify`. */
#ifndef CLI_CLI_DEVICE_REDFISH_H
#define CLI_CLI_DEVICE_REDFISH_H

#include "busbar/redfish_survey.h"
#include "cli_device.h"

#define CLI_REDFISH_PASSWORD_MAX 256

/* Options of a survey from those of the line. CLI_FAILED: said. `url` and `password` outlive it. */
int cli_redfish_options(struct cli *cli, const char *url, char password[CLI_REDFISH_PASSWORD_MAX],
                        struct redfish_survey_options *ret);

/* After a survey: its line of progress goes. */
void cli_redfish_progress_end(const struct cli *cli);

/* Who asks, and who is to answer: what the line says of it, held against what is allowed. With
 * a user the password is read. CLI_FAILED: said. */
int cli_redfish_login(struct cli *cli, char password[CLI_REDFISH_PASSWORD_MAX]);

/* Maker, model, firmware, BMC kind, Redfish version ... into `to`. */
void cli_redfish_service(struct json_object *to, const struct redfish_survey *s);

/* Every limit with its range, as a list under `key`. */
void cli_redfish_limits(struct json_object *to, const char *key, const struct redfish_survey *s);

/* Managers with their clocks, firmware inventory, endpoints present or missing. */
void cli_redfish_day0(struct json_object *to, const struct redfish_survey *s);

#endif
