/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_model.h: a BMC's documents, one after the other, to a survey. Pure.
 *
 * Says which resource to ask for next; takes each answer, or the lack of one. Knows no
 * path: everything but the service root is found by links. Where a link by one of the
 * standard's names leads to something else than that name says, the place where the
 * standard itself puts it, beside the resource that has the link, is tried once.
 */
#ifndef BUSBAR_FIELD_REDFISH_MODEL_H
#define BUSBAR_FIELD_REDFISH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/redfish_survey.h"
#include "busbar/status.h"

#include "redfish_walk.h"

#define REDFISH_MODEL_LIST_MAX 16384 /* of any one list of the survey                     */

struct json_object;

struct redfish_model {
    struct redfish_survey *survey; /* borrowed                                          */
    struct redfish_walk walk;
    int32_t *slots; /* hash of paths to readings + 1                     */
    int32_t slot_count;
    bool root_bare; /* the root answers without a slash at its end only  */
    bool expand;    /* may be asked for                                  */
    char expand_query[40];
    bool cut, no_memory;
    uint64_t scope;                        /* a bit a schema that is followed; 0: all           */
    const char *maker_hint;                /* of the kind of BMC, from what was seen            */
    char manager[REDFISH_SURVEY_PATH_MAX]; /* that provides the service                 */
    char sessions[REDFISH_SURVEY_PATH_MAX]; /* where one logs in; "": not told          */
};

/* What came for an item of the walk. */
struct redfish_model_doc {
    int32_t item;
    const char *body;
    size_t size;
    const char *allow;         /* header of that name; NULL                         */
    int64_t taken_us, done_us; /* asked; answered                                   */
    int64_t wall_us;           /* our own clock then, since 1970; 0: unknown        */
};

#define REDFISH_MODEL_SCOPE(schema) (UINT64_C(1) << (schema))

/* `gets_max`: 0 for the walk's own bound. */
void redfish_model_init(struct redfish_model *model, struct redfish_survey *survey, int32_t gets_max);
/* Frees all but the survey. */
void redfish_model_done(struct redfish_model *model);

/* The next item to ask for, its path (and query) in `target`; -1: there is none. */
int32_t redfish_model_next(struct redfish_model *model, char *target, size_t room);

/* A 2xx answer. */
void redfish_model_take(struct redfish_model *model, const struct redfish_model_doc *doc);

/* No such answer. `code` 0: none at all. True: it will be asked for in another way. */
struct redfish_model_miss {
    int32_t item;
    enum status status; /* as redfish_link_judge() has it                    */
    int32_t code;
    const char *text; /* what was said, in words                           */
};
bool redfish_model_miss(struct redfish_model *model, const struct redfish_model_miss *miss);

/* Each answer's share of the latency lists. */
void redfish_model_answer(struct redfish_model *model, int32_t item,
                          const struct redfish_survey_answer *answer);

/* Ages, the BMC's kind, what is whole. */
void redfish_model_finish(struct redfish_model *model, int64_t now_us);

/* Makes a list one longer: its new, zeroed place, or NULL (full, or no memory). */
void *redfish_model_extend(struct redfish_model *model, void **list, int32_t *count, size_t size);
#define REDFISH_MODEL_EXTEND(model, list, count)                                                             \
    redfish_model_extend(model, (void **)&(model)->survey->list, &(model)->survey->count,                    \
                         sizeof *(model)->survey->list)

/* The reading of a path, made where there is none; NULL as above. */
struct redfish_survey_reading *redfish_model_reading(struct redfish_model *model, const char *path);
/* NULL: there is none. */
struct redfish_survey_reading *redfish_model_find_reading(struct redfish_model *model, const char *path);

void redfish_model_absent(struct redfish_model *model, const char *path, const char *why);

#endif
