// The entry, and the table's verbs: Go functions, whose C declarations know no const.
#include "glue.h"

#include "_cgo_export.h"

/// The table is made while Go starts, which the call waits for.
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return rstGoTable(); }

static void release(rst_batch* batch) { free(batch); }

const rst_batch_ops rst_go_batch_ops = {.struct_size = sizeof(rst_batch_ops), .release = release};

#define VERB(slot, function) table->slot = (__typeof__(table->slot))(void*)(function)

void rst_go_set_verbs(rst_plugin* table, int consumes, int settles, int publishes) {
  VERB(validate, rstGoValidate);
  VERB(init, rstGoInit);
  VERB(deinit, rstGoDeinit);
  VERB(connect, rstGoConnect);
  VERB(close, rstGoClose);
  if (consumes) {
    VERB(subscribe, rstGoSubscribe);
    VERB(credit, rstGoCredit);
  }
  if (settles) VERB(settle, rstGoSettle);
  if (publishes) {
    VERB(open_publisher, rstGoOpenPublisher);
    VERB(publish, rstGoPublish);
    VERB(flush, rstGoFlush);
  }
}
