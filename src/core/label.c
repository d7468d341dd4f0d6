/* SPDX-License-Identifier: Apache-2.0 */
/* label.c: the words for the core's enums in logs and JSON; constant tables. */
#include "busbar/core.h"

static const char *label_of(const char *const *list, size_t count, int value)
{
    return value >= 0 && (size_t)value < count ? list[value] : "unknown";
}

#define LABEL_OF(list, value) label_of(list, sizeof(list) / sizeof *(list), (int)(value))

const char *core_mode_label(enum core_mode mode)
{
    static const char *const list[] = {[CORE_MODE_OBSERVE] = "observe",
                                       [CORE_MODE_NORMAL] = "normal",
                                       [CORE_MODE_DEGRADED] = "degraded",
                                       [CORE_MODE_EMERGENCY] = "emergency"};

    return LABEL_OF(list, mode);
}

const char *core_mode_wanted_label(enum core_mode_wanted mode)
{
    static const char *const list[] = {[CORE_WANT_OBSERVE] = "observe",
                                       [CORE_WANT_CONTROL] = "control",
                                       [CORE_WANT_EMERGENCY] = "emergency",
                                       [CORE_WANT_RESTORE] = "restore"};

    return LABEL_OF(list, mode);
}

#define LABEL_ID(name, id, text)   [name] = id,
#define LABEL_TEXT(name, id, text) [name] = text,

const char *core_reason_label(enum core_reason reason)
{
    static const char *const list[] = {CORE_REASON_LIST(LABEL_ID)};

    return LABEL_OF(list, reason);
}

const char *core_rule_label(enum core_rule rule)
{
    static const char *const list[] = {CORE_RULE_LIST(LABEL_ID)};

    return LABEL_OF(list, rule);
}

const char *core_rule_text(enum core_rule rule)
{
    static const char *const list[] = {CORE_RULE_LIST(LABEL_TEXT)};

    return LABEL_OF(list, rule);
}

const char *core_ride_label(enum core_ride ride)
{
    static const char *const list[] = {CORE_RIDE_LIST(LABEL_ID)};

    return LABEL_OF(list, ride);
}

const char *core_token_state_label(enum core_token_state state)
{
    static const char *const list[] = {[CORE_TOKEN_NONE] = "none",         [CORE_TOKEN_GRANTED] = "granted",
                                       [CORE_TOKEN_REFUSED] = "refused",   [CORE_TOKEN_EXPIRED] = "expired",
                                       [CORE_TOKEN_RETURNED] = "returned", [CORE_TOKEN_REVOKED] = "revoked"};

    return LABEL_OF(list, state);
}

const char *core_token_reason_label(enum core_token_reason reason)
{
    static const char *const list[] = {CORE_TOKEN_REASON_LIST(LABEL_ID)};

    return LABEL_OF(list, reason);
}

const char *core_token_reason_text(enum core_token_reason reason)
{
    static const char *const list[] = {CORE_TOKEN_REASON_LIST(LABEL_TEXT)};

    return LABEL_OF(list, reason);
}

const char *core_node_kind_label(enum core_node_kind kind)
{
    static const char *const list[] = {
        [CORE_NODE_FEED] = "feed",     [CORE_NODE_RACK] = "rack", [CORE_NODE_SHELF] = "shelf",
        [CORE_NODE_BUSBAR] = "busbar", [CORE_NODE_TRAY] = "tray", [CORE_NODE_LOAD] = "load"};

    return LABEL_OF(list, kind);
}

const char *core_lever_state_label(enum core_lever_state state)
{
    static const char *const list[] = {[CORE_LEVER_UNREAD] = "unread",
                                       [CORE_LEVER_STANDING] = "standing",
                                       [CORE_LEVER_SENT] = "sent",
                                       [CORE_LEVER_IN_FORCE] = "in_force",
                                       [CORE_LEVER_UNKNOWN] = "unknown"};

    return LABEL_OF(list, state);
}
