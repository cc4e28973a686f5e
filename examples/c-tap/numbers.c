/* A tap in C: the numbers from 1 to `rows`, and the word that a player of fizz buzz says to each. It reads on from
 * where a run ended: raise `rows`, and only the new numbers come. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dstream.h"
#include "mini_json.h"
#include "numbers.h"

#define DEFAULT_ROWS 1000
#define MAX_ROWS INT64_C(1000000000000)
#define MAX_BATCH_ROWS (1 << 20)

DS_MANIFEST("{\"id\": \"org.example.c-numbers\", \"version\": \"1.0.0\", \"license\": \"Apache-2.0\","
            " \"description\": \"Numbers and what fizz buzz says to them, written in C\","
            " \"abi\": {\"major\": 1, \"minor\": 0, \"draft\": 1},"
            " \"connectors\": [{\"type\": \"c-numbers\", \"description\": \"One stream, `numbers`\", \"tap\": {"
            "\"options\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"rows\": {"
            "\"type\": \"integer\", \"minimum\": 0, \"maximum\": 1000000000000, \"default\": 1000,"
            " \"description\": \"Numbers to give, counted from 1.\"}}},"
            " \"connection\": [], \"auth\": [], \"exact\": true, \"deterministic\": true}}]}");

struct ds_tap {
  int64_t rows;
};

enum step { SCHEMA, BATCH, CHECKPOINT, STREAM_END, END };

struct ds_reader {
  const ds_ctx *ctx;
  enum step step;
  int64_t next, last; /* the numbers that are still to come: next to last */
  int64_t batch_rows;
  size_t columns;
  enum column selected[COLUMNS];
  int64_t buffer_bytes[MAX_BUFFERS];
};

static const ds_host_v1 *host;

static ds_status fail(ds_err *err, ds_status code, const char *message, const char *hint) {
  if (err && DS_HAS(ds_host_v1, host, error_set) && host->error_set) {
    ds_error_desc desc = {.struct_size = sizeof desc, .code = code, .retry_after_ms = -1};
    desc.message = text(message);
    desc.hint = text(hint);
    host->error_set(err, &desc);
  }
  return code;
}

static ds_status out_of_memory(ds_err *err) { return fail(err, DS_E_RESOURCE, "no memory is left", ""); }

static void free_text(ds_buf *buf) {
  free(buf->private_data);
  buf->private_data = NULL;
  buf->release = NULL;
}

static ds_status give_text(ds_buf *out, const char *document, ds_err *err) {
  size_t len = strlen(document);
  char *copy = malloc(len + 1);
  if (!copy) return out_of_memory(err);
  memcpy(copy, document, len + 1);
  *out = (ds_buf){copy, len, free_text, copy};
  return DS_OK;
}

/* ---- tap ---- */

static ds_status tap_open(const ds_ctx *ctx, const ds_str *config, ds_tap **out, ds_err *err) {
  (void)ctx;
  int64_t rows = DEFAULT_ROWS;
  ds_str options, value;
  if (json_get(*config, "options", &options) && json_get(options, "rows", &value)) {
    if (!json_int(value, &rows) || rows < 0 || rows > MAX_ROWS)
      return fail(err, DS_E_CONFIG, "option `rows` is not a number between 0 and 1000000000000", "correct `rows`");
  }
  ds_tap *tap = malloc(sizeof *tap);
  if (!tap) return out_of_memory(err);
  tap->rows = rows;
  *out = tap;
  return DS_OK;
}

static ds_status tap_check(const ds_tap *self, ds_err *err) {
  (void)self, (void)err;
  return DS_OK;
}

static ds_status tap_discover(const ds_tap *self, ds_buf *catalog, ds_err *err) {
  char document[512];
  snprintf(document, sizeof document,
           "{\"streams\": [{\"name\": \"numbers\", \"schema\": {\"fields\": ["
           "{\"name\": \"n\", \"format\": \"l\", \"nullable\": false}, {\"name\": \"word\", \"format\": \"u\"}]},"
           " \"key_properties\": [\"n\"], \"replication_methods\": [\"INCREMENTAL\", \"FULL_TABLE\"],"
           " \"row_count\": %" PRId64 "}]}",
           self->rows);
  return give_text(catalog, document, err);
}

static ds_status tap_plan(const ds_tap *self, const ds_str *selection, ds_buf *partitions, ds_err *err) {
  (void)self;
  ds_str streams, stream, name;
  if (!json_get(*selection, "streams", &streams) || !json_item(streams, 0, &stream))
    return give_text(partitions, "[]", err);
  if (!json_get(stream, "name", &name) || !text_is(name, "\"numbers\"") || json_item(streams, 1, &stream))
    return fail(err, DS_E_SCHEMA, "there is one stream, `numbers`, and another was selected", "discover again");
  return give_text(partitions, "[{\"id\": \"numbers\", \"streams\": [\"numbers\"]}]", err);
}

static ds_status select_columns(ds_reader *reader, ds_str request, ds_err *err) {
  ds_str streams, stream, schema, fields, field, name;
  if (!json_get(request, "streams", &streams) || !json_item(streams, 0, &stream) ||
      !json_get(stream, "schema", &schema) || !json_get(schema, "fields", &fields))
    return fail(err, DS_E_SCHEMA, "the request names no columns", "discover again");
  for (size_t i = 0; json_item(fields, i, &field); i++) {
    char wanted[8];
    size_t column = 0;
    if (!json_get(field, "name", &name) || !json_string(name, wanted, sizeof wanted)) wanted[0] = '\0';
    while (column < COLUMNS && strcmp(column_names[column], wanted) != 0) column++;
    if (column == COLUMNS || i == COLUMNS)
      return fail(err, DS_E_SCHEMA, "the columns are `n` and `word`, and another was selected", "discover again");
    reader->selected[reader->columns++] = (enum column)column;
  }
  return DS_OK;
}

static ds_status tap_open_reader(const ds_tap *self, const ds_ctx *ctx, const ds_str *request, ds_reader **out,
                                 ds_err *err) {
  int64_t done = 0, batch_rows = 65536;
  ds_str bookmark, value;
  if (json_get(*request, "bookmark", &bookmark) &&
      (!json_get(bookmark, "n", &value) || !json_int(value, &done) || done < 0))
    return fail(err, DS_E_BOOKMARK_LOST, "the bookmark is none of this tap", "run again with `--full-refresh`");
  if (json_get(*request, "max_batch_rows", &value)) json_int(value, &batch_rows);
  /* A row takes at most 8 bytes for `n`, 4 and 8 for `word`, and 1 bit. */
  int64_t batch_bytes = 0;
  if (json_get(*request, "max_batch_bytes", &value) && json_int(value, &batch_bytes) && batch_bytes / 21 < batch_rows)
    batch_rows = batch_bytes / 21;

  ds_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return out_of_memory(err);
  reader->ctx = ctx;
  reader->next = done + 1;
  reader->last = self->rows;
  reader->batch_rows = batch_rows < 1 ? 1 : batch_rows > MAX_BATCH_ROWS ? MAX_BATCH_ROWS : batch_rows;
  ds_status status = select_columns(reader, *request, err);
  if (status == DS_OK)
    *out = reader;
  else
    free(reader);
  return status;
}

/* ---- reader ---- */

static ds_status next_batch(ds_reader *self, ds_message *out, ds_err *err) {
  int64_t left = self->last - self->next + 1;
  int64_t rows = left < self->batch_rows ? left : self->batch_rows;
  if (!make_batch(&out->array, self->selected, self->columns, self->next, rows, self->buffer_bytes,
                  &out->n_buffer_bytes))
    return out_of_memory(err);
  self->next += rows;
  out->kind = DS_MSG_BATCH;
  out->schema_version = 1;
  out->buffer_bytes = self->buffer_bytes;
  return DS_OK;
}

static ds_status next_schema(const ds_reader *self, ds_message *out, ds_err *err) {
  if (!make_schema(&out->schema, self->selected, self->columns)) return out_of_memory(err);
  out->kind = DS_MSG_SCHEMA;
  out->schema_version = 1;
  return DS_OK;
}

static ds_status reader_next(ds_reader *self, int64_t timeout_ms, ds_message *out, ds_err *err) {
  (void)timeout_ms; /* a number is always ready */
  char bookmark[48];
  ds_status status = DS_OK;
  if (DS_HAS(ds_host_v1, host, is_cancelled) && host->is_cancelled && host->is_cancelled(self->ctx))
    return fail(err, DS_E_CANCELLED, "the run was told to stop", "");
  switch (self->step) {
    case SCHEMA:
      status = next_schema(self, out, err);
      self->step = self->next <= self->last ? BATCH : STREAM_END;
      return status;
    case BATCH:
      self->step = CHECKPOINT;
      return next_batch(self, out, err);
    case CHECKPOINT:
      self->step = self->next <= self->last ? BATCH : STREAM_END;
      out->kind = DS_MSG_CHECKPOINT;
      snprintf(bookmark, sizeof bookmark, "{\"n\": %" PRId64 "}", self->next - 1);
      return give_text(&out->bookmark, bookmark, err);
    case STREAM_END:
      self->step = END;
      out->kind = DS_MSG_STREAM_END;
      return DS_OK;
    case END: break;
  }
  return DS_END;
}

static void reader_close(ds_reader *self) { free(self); }
static void tap_close(ds_tap *self) { free(self); }

/* ---- root ---- */

static const ds_tap_v1 tap = {
    .struct_size = sizeof tap,
    .open = tap_open,
    .check = tap_check,
    .discover = tap_discover,
    .plan = tap_plan,
    .open_reader = tap_open_reader,
    .next = reader_next,
    .close_reader = reader_close,
    .close = tap_close,
};
static const ds_connector_v1 connector = {.struct_size = sizeof connector, .type = {"c-numbers", 9}, .tap = &tap};
static const ds_connector_v1 *const connectors[] = {&connector};
static const ds_plugin_v1 plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = DS_ABI_MINOR,
    .abi_draft = DS_ABI_DRAFT,
    .manifest_json = {ds_manifest.json, sizeof ds_manifest.json - 1},
    .connectors = connectors,
    .n_connectors = 1,
};

DS_EXPORT ds_status dstream_plugin_v1(const ds_host_v1 *from, const ds_plugin_v1 **out, ds_err *err) {
  (void)err;
  host = from;
  *out = &plugin;
  return DS_OK;
}
