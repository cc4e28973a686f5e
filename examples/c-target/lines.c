/* A target in C: every stream becomes lines in `<connection.path>/<table>.csv`.
 *
 * Rows wait in a temporary file without a name; a commit appends them to the table's file, syncs it, and takes back what
 * it wrote where it fails. There is no transaction that could hold a bookmark, so no records are kept: after a crash a
 * window may be written a second time (at least once), and none is lost. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dstream.h"
#include "mini_json.h"
#include "rows.h"

DS_MANIFEST("{\"id\": \"org.example.c-lines\", \"version\": \"1.0.0\", \"license\": \"Apache-2.0\","
            " \"description\": \"Lines of comma-separated values, written in C\","
            " \"abi\": {\"major\": 1, \"minor\": 0, \"draft\": 1},"
            " \"connectors\": [{\"type\": \"c-lines\", \"description\": \"One file a table, appended to\", \"target\": {"
            "\"options\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}},"
            " \"connection\": [\"path\"], \"auth\": [], \"write_modes\": [\"append\"], \"transactional\": false}}]}");

#define PATH_SIZE 4096
#define NAME_SIZE 200

/* Rows of one stream since its last window, or of a window that waits for its commit. */
struct pending {
  struct pending *next;
  uint64_t window;
  char path[PATH_SIZE];
  struct columns columns;
  FILE *rows;
  off_t before; /* during a commit: the length of the file before it */
};

struct ds_target {
  char folder[PATH_SIZE];
  pthread_mutex_t lock; /* of prepared: writers and commit run on different threads */
  struct pending *prepared;
};

struct ds_writer {
  ds_target *target;
  size_t n_streams;
  uint64_t rows;
  struct pending **streams; /* one a stream */
};

static const ds_host_v1 *host;

__attribute__((format(printf, 3, 4))) static ds_status fail(ds_err *err, ds_status code, const char *format, ...) {
  if (err && DS_HAS(ds_host_v1, host, error_set) && host->error_set) {
    char message[PATH_SIZE + 256];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    ds_error_desc desc = {.struct_size = sizeof desc, .code = code, .retry_after_ms = -1, .message = text(message)};
    host->error_set(err, &desc);
  }
  return code;
}

static ds_status out_of_memory(ds_err *err) { return fail(err, DS_E_RESOURCE, "no memory is left"); }

/* Who must act, from errno. */
static ds_status fail_io(ds_err *err, const char *doing, const char *path) {
  int number = errno;
  ds_status code = number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENOMEM ? DS_E_RESOURCE
                   : number == EACCES || number == EPERM || number == EROFS                     ? DS_E_DENIED
                   : number == ENOENT || number == ENOTDIR                                      ? DS_E_NOT_FOUND
                                                                                                : DS_E_UNAVAILABLE;
  return fail(err, code, "%s `%s`: %s", doing, path, strerror(number));
}

static void free_text(ds_buf *buf) {
  free(buf->private_data);
  buf->private_data = NULL;
  buf->release = NULL;
}

static ds_status give_text(ds_buf *out, const char *document, ds_err *err) {
  char *copy = strdup(document);
  if (!copy) return out_of_memory(err);
  *out = (ds_buf){copy, strlen(copy), free_text, copy};
  return DS_OK;
}

static void pending_free(struct pending *pending) {
  if (!pending) return;
  if (pending->rows) fclose(pending->rows);
  columns_free(&pending->columns);
  free(pending);
}

/* ---- target ---- */

static ds_status target_open(const ds_ctx *ctx, const ds_str *config, ds_target **out, ds_err *err) {
  (void)ctx;
  ds_str connection, path;
  ds_target *target = calloc(1, sizeof *target);
  if (!target) return out_of_memory(err);
  if (!json_get(*config, "connection", &connection) || !json_get(connection, "path", &path) ||
      !json_string(path, target->folder, sizeof target->folder)) {
    free(target);
    return fail(err, DS_E_CONFIG, "`connection` names no `path`: the folder to write to");
  }
  pthread_mutex_init(&target->lock, NULL);
  *out = target;
  return DS_OK;
}

static ds_status target_check(const ds_target *self, ds_err *err) {
  struct stat folder;
  if (stat(self->folder, &folder) != 0) return fail_io(err, "looking at", self->folder);
  if (!S_ISDIR(folder.st_mode)) return fail(err, DS_E_CONFIG, "`%s` is not a folder", self->folder);
  if (access(self->folder, W_OK | X_OK) != 0) return fail_io(err, "writing to", self->folder);
  return DS_OK;
}

static ds_status target_begin(const ds_target *self, const ds_str *pipeline, ds_buf *begun, ds_err *err) {
  (void)pipeline;
  ds_status status = target_check(self, err);
  return status == DS_OK ? give_text(begun, "{\"epoch\": 1, \"records\": []}", err) : status;
}

static void close_writer(ds_writer *self) {
  for (size_t i = 0; i < self->n_streams; i++) pending_free(self->streams[i]);
  free(self->streams);
  free(self);
}

/* A table is a file in the folder and nowhere else. */
static int is_file_name(const char *name) { return name[0] && name[0] != '.' && !strchr(name, '/'); }

static ds_status open_stream(ds_writer *writer, ds_str plan, ds_err *err) {
  char table[NAME_SIZE];
  ds_str value;
  if (!json_get(plan, "table", &value) || !json_string(value, table, sizeof table) || !is_file_name(table))
    return fail(err, DS_E_CONFIG, "a table's name cannot be that of a file: %.*s", (int)value.len, value.ptr);
  if (!json_get(plan, "write_mode", &value) || !text_is(value, "\"append\""))
    return fail(err, DS_E_UNSUPPORTED, "table `%s`: the one write mode is `append`", table);
  struct pending *pending = calloc(1, sizeof *pending);
  struct pending **streams = realloc(writer->streams, (writer->n_streams + 1) * sizeof(struct pending *));
  if (streams) writer->streams = streams;
  if (!pending || !streams) {
    free(pending);
    return out_of_memory(err);
  }
  writer->streams[writer->n_streams++] = pending;
  int length = snprintf(pending->path, PATH_SIZE, "%s/%s.csv", writer->target->folder, table);
  if (length < 0 || length >= PATH_SIZE) return fail(err, DS_E_CONFIG, "table `%s`: the path is too long", table);
  return DS_OK;
}

static ds_status target_open_writer(const ds_target *self, const ds_ctx *ctx, const ds_str *request, ds_writer **out,
                                    ds_err *err) {
  (void)ctx;
  ds_str streams, plan;
  ds_status status = DS_OK;
  ds_writer *writer = calloc(1, sizeof *writer);
  if (!writer) return out_of_memory(err);
  writer->target = (ds_target *)self; /* const says that calls run in parallel: what changes is under its lock */
  if (!json_get(*request, "streams", &streams)) streams = text("[]");
  for (size_t i = 0; status == DS_OK && json_item(streams, i, &plan); i++) status = open_stream(writer, plan, err);
  if (status == DS_OK)
    *out = writer;
  else
    close_writer(writer);
  return status;
}

static ds_status writer_declare(ds_writer *self, uint32_t stream, uint32_t version, const struct ArrowSchema *schema,
                                ds_err *err) {
  struct columns columns;
  size_t at = 0;
  if (stream >= self->n_streams) return fail(err, DS_E_BUG, "stream %" PRIu32 " was not opened", stream);
  struct pending *pending = self->streams[stream];
  switch (columns_copy(&columns, schema, &at)) {
    case NO_MEMORY: return out_of_memory(err);
    case NOT_OFFERED:
      return fail(err, DS_E_UNSUPPORTED, "column `%s`: no text for the Arrow type `%s`", schema->children[at]->name,
                  schema->children[at]->format);
    default: break;
  }
  if (version > 1 && !columns_equal(&columns, &pending->columns)) {
    columns_free(&columns);
    return fail(err, DS_E_SCHEMA, "`%s`: the columns of a file cannot change", pending->path);
  }
  columns_free(&pending->columns);
  pending->columns = columns;
  return DS_OK;
}

static ds_status writer_write(ds_writer *self, uint32_t stream, uint32_t version, struct ArrowArray *array, ds_err *err) {
  (void)version;
  ds_status status = DS_OK;
  struct pending *pending = stream < self->n_streams ? self->streams[stream] : NULL;
  if (!pending)
    status = fail(err, DS_E_BUG, "stream %" PRIu32 " was not opened", stream);
  else if (!pending->rows && !(pending->rows = tmpfile()))
    status = fail_io(err, "making a temporary file for", pending->path);
  else if (write_rows(pending->rows, &pending->columns, array) != FINE)
    status = fail(err, DS_E_DATA, "a batch does not have the columns that were declared");
  else if (ferror(pending->rows))
    status = fail_io(err, "writing a temporary file for", pending->path);
  else
    self->rows += (uint64_t)array->length;
  array->release(array); /* always consumed, also on failure */
  return status;
}

static ds_status writer_prepare(ds_writer *self, uint64_t window, ds_buf *prepared, ds_err *err) {
  char document[64];
  snprintf(document, sizeof document, "{\"rows\": %" PRIu64 ", \"message\": null}", self->rows);
  for (size_t i = 0; i < self->n_streams; i++) {
    struct pending *done = self->streams[i];
    if (done->rows && fflush(done->rows) != 0) return fail_io(err, "writing a temporary file for", done->path);
    struct pending *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return out_of_memory(err);
    memcpy(fresh->path, done->path, PATH_SIZE);
    if (!columns_clone(&fresh->columns, &done->columns)) {
      pending_free(fresh);
      return out_of_memory(err);
    }
    self->streams[i] = fresh;
    done->window = window;
    pthread_mutex_lock(&self->target->lock);
    done->next = self->target->prepared;
    self->target->prepared = done;
    pthread_mutex_unlock(&self->target->lock);
  }
  self->rows = 0;
  return give_text(prepared, document, err);
}

/* ---- commit ---- */

/* The prepared rows of a window, unlinked from the list one by one. */
static struct pending *take_prepared(ds_target *target, uint64_t window) {
  struct pending **link = &target->prepared;
  while (*link && (*link)->window != window) link = &(*link)->next;
  struct pending *found = *link;
  if (found) *link = found->next;
  return found;
}

static ds_status append(struct pending *pending, ds_err *err) {
  char block[1 << 16];
  size_t got;
  FILE *out = fopen(pending->path, "a");
  if (!out) return fail_io(err, "opening", pending->path);
  struct stat before;
  if (fstat(fileno(out), &before) != 0) before.st_size = 0;
  pending->before = before.st_size;
  if (before.st_size == 0) write_heading(out, &pending->columns);
  if (pending->rows) {
    rewind(pending->rows);
    while ((got = fread(block, 1, sizeof block, pending->rows)) > 0) fwrite(block, 1, got, out);
  }
  int failed = ferror(out) || fflush(out) != 0 || fsync(fileno(out)) != 0;
  ds_status status = failed ? fail_io(err, "writing", pending->path) : DS_OK;
  if (pending->rows && ferror(pending->rows)) status = fail_io(err, "reading the rows for", pending->path);
  if (fclose(out) != 0 && status == DS_OK) status = fail_io(err, "closing", pending->path);
  return status;
}

static ds_status target_commit(const ds_target *self, const ds_str *commit, ds_err *err) {
  ds_target *target = (ds_target *)self;
  struct pending *done = NULL, *pending;
  ds_str windows, window, value;
  ds_status status = DS_OK;
  if (!json_get(*commit, "windows", &windows)) windows = text("[]");
  pthread_mutex_lock(&target->lock);
  for (size_t i = 0; status == DS_OK && json_item(windows, i, &window); i++) {
    int64_t number = 0;
    if (!json_get(window, "window", &value) || !json_int(value, &number))
      status = fail(err, DS_E_BUG, "a window of the commit has no number");
    while (status == DS_OK && (pending = take_prepared(target, (uint64_t)number))) {
      pending->next = done;
      done = pending;
      pending->before = -1;
      if (pending->columns.n > 0) status = append(pending, err);
    }
  }
  /* The newest first: a file that was appended to twice ends up as it was before the first. */
  while ((pending = done)) {
    done = pending->next;
    if (status != DS_OK && pending->before >= 0 && truncate(pending->path, pending->before) != 0)
      status = fail_io(err, "a commit failed, and so did taking it back from", pending->path);
    pending_free(pending);
  }
  pthread_mutex_unlock(&target->lock);
  return status;
}

static void target_close(ds_target *self) {
  struct pending *pending;
  while ((pending = self->prepared)) {
    self->prepared = pending->next;
    pending_free(pending);
  }
  pthread_mutex_destroy(&self->lock);
  free(self);
}

/* ---- root ---- */

static const ds_target_v1 target = {
    .struct_size = sizeof target,
    .open = target_open,
    .check = target_check,
    .begin = target_begin,
    .open_writer = target_open_writer,
    .declare = writer_declare,
    .write = writer_write,
    .prepare = writer_prepare,
    .commit = target_commit,
    .close_writer = close_writer,
    .close = target_close,
};
static const ds_connector_v1 connector = {.struct_size = sizeof connector, .type = {"c-lines", 7}, .target = &target};
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
