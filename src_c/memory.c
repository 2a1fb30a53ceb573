/* Memory that a call leaves to the next one. */
#include "fastloss.h"
#include <stdlib.h>

enum { KEPT = 5 << 24 }; /* two samples of a million, with weights and gradients */
typedef struct {
    size_t bytes;
    _Alignas(64) char room[];
} workspace;
static workspace *kept;

void *fl_borrow(size_t bytes) {
    workspace *mine = __atomic_exchange_n(&kept, NULL, __ATOMIC_ACQ_REL);
    if (mine && mine->bytes >= bytes)
        return mine->room;
    free(mine);
    mine = malloc(sizeof *mine + bytes);
    if (!mine)
        return NULL;
    mine->bytes = bytes;
    return mine->room;
}

void fl_give_back(void *room) {
    workspace *mine = (workspace *)((char *)room - offsetof(workspace, room));
    free(mine->bytes > KEPT ? mine : __atomic_exchange_n(&kept, mine, __ATOMIC_ACQ_REL));
}
