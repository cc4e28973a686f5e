/* dstream.h: the DStream plugin contract, major 1, minor 0. Normative: every other description follows this file.
 *
 * Ground rules
 *  - 64-bit only. Integers, pointers and structs by pointer; nothing by value, no enums, no bool, no varargs.
 *  - Every growable struct starts with struct_size. Fields are only appended; a reader of a struct uses no field that
 *    DS_HAS denies. A growable struct is never embedded by value in another one. Function pointers may be NULL: not
 *    implemented. ds_str, ds_buf, ds_kv and Arrow's structs are frozen.
 *  - Text is UTF-8, ptr + len, not NUL-terminated, and may hold NUL. Documents are JSON objects or arrays; unknown keys
 *    are ignored; docs/writing-a-connector.md shows every one of them.
 *  - Who allocates releases, through the release callback that travels with the thing. A release callback may be called
 *    from any thread, after the object that made the thing is closed, and sets its own release to NULL.
 *  - Borrowed inputs (every const pointer) are valid during the call only, where nothing else is said.
 *  - Nothing unwinds across: no panic, exception or longjmp.
 *  - The library stays mapped until the process ends.
 *
 * Threads
 *  - Calls block. The host makes them from plain threads, never from the worker of an async runtime.
 *  - One call at a time per reader and per writer, not always from the same thread. Different objects run in parallel.
 *    A function that takes a const self may be called from several threads at once.
 *  - Waiting inside a call ends soon after is_cancelled turns to 1 (look at it at least every 100 ms): the call then
 *    returns DS_E_CANCELLED.
 *
 * Errors
 *  - A status below zero comes with one call of error_set on the ds_err of that call (NULL: nobody listens).
 *  - After an error from a reader, a writer or a target, only close it. DS_PENDING is not an error.
 */
#ifndef DSTREAM_H
#define DSTREAM_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};
#endif

#define DS_ABI_MAJOR 1u
#define DS_ABI_MINOR 0u
#define DS_ABI_DRAFT 1u /* while above 0, host and plugin must carry the same draft */

/* ---- small structs, frozen ---- */

/* Borrowed text. ptr may be NULL where len is 0; where a document is optional, ptr NULL says that there is none. */
typedef struct ds_str {
  const char *ptr;
  size_t len;
} ds_str;

/* Owned text: the receiver calls release once. release NULL: nothing in it, nothing to release. */
typedef struct ds_buf {
  const char *ptr;
  size_t len;
  void (*release)(struct ds_buf *);
  void *private_data;
} ds_buf;

typedef struct ds_kv {
  ds_str key;
  ds_str value;
} ds_kv;

/* ---- status: 0 ok, above 0 another outcome (of `next` alone; elsewhere a defect), below 0 an error; the number says who
 * must act ---- */
typedef int32_t ds_status;
#define DS_OK 0
#define DS_PENDING 1           /* next: nothing yet within the timeout, call again */
#define DS_END 2               /* next: the reader is finished */
#define DS_E_BUG (-1)          /* a defect of the plugin, a caught panic included: the object may only be closed */
#define DS_E_UNSUPPORTED (-2)  /* choose another way */
#define DS_E_CONFIG (-3)       /* the user: config, options, catalog */
#define DS_E_NOT_FOUND (-4)    /* the user: no such file, table, stream */
#define DS_E_DENIED (-5)       /* an administrator: credentials, permissions */
#define DS_E_UNAVAILABLE (-6)  /* wait and retry; see retry_after_ms */
#define DS_E_CANCELLED (-7)    /* is_cancelled turned to 1 */
#define DS_E_DATA (-8)         /* a record: look at it */
#define DS_E_SCHEMA (-9)       /* discover again */
#define DS_E_RESOURCE (-10)    /* disk, memory, quota */
#define DS_E_FENCED (-11)      /* a newer run owns the pipeline */
#define DS_E_BOOKMARK_LOST (-12) /* the source no longer has what the bookmark points to: full refresh needed */

/* The host's sink for the error of one call. Owned by the host, valid during that call, may be NULL. */
typedef struct ds_err ds_err;

#define DS_ERR_HAS_ROW_DATA (1u << 0) /* message or hint quote values of a record: the host may redact them in logs */
typedef struct ds_error_desc {
  uint32_t struct_size;
  uint32_t flags;
  int32_t code;           /* one of DS_E_* */
  int32_t vendor_code;    /* the code of the system behind the plugin; 0: none */
  int64_t retry_after_ms; /* only with DS_E_UNAVAILABLE; -1: not said */
  ds_str message;         /* one sentence without full stop: what was wanted, what was found */
  ds_str hint;            /* what to do next; may be empty */
  ds_str stream;          /* the stream it is about; may be empty */
} ds_error_desc;

/* ---- what the host offers ---- */

/* Carries the run, the cancel flag and the log span. Owned by the host; given to open, open_reader and open_writer and
 * valid until the object that was opened with it is closed. */
typedef struct ds_ctx ds_ctx;

#define DS_LOG_OFF 0u
#define DS_LOG_ERROR 1u
#define DS_LOG_WARN 2u
#define DS_LOG_INFO 3u
#define DS_LOG_DEBUG 4u
#define DS_LOG_TRACE 5u
typedef struct ds_log_record {
  uint32_t struct_size;
  uint32_t level;   /* one of DS_LOG_* */
  ds_str target;    /* the module that speaks */
  ds_str message;
  ds_str spans;     /* the spans around it, outermost first, as text; may be empty */
  const ds_kv *fields;
  size_t n_fields;
} ds_log_record;

/* Valid until the process ends. Every function: any thread, never blocks, copies what it is given. */
typedef struct ds_host_v1 {
  uint32_t struct_size;
  uint32_t abi_minor;
  void (*error_set)(ds_err *err, const ds_error_desc *desc);
  /* The most verbose level that anybody listens to. Ask at open and keep it: a record above it must not be made. */
  uint32_t (*log_level)(void);
  /* ctx may be NULL: a record of the library, outside of any object. */
  void (*log)(const ds_ctx *ctx, const ds_log_record *record);
  /* 1 once the run is to stop. One atomic load. */
  int32_t (*is_cancelled)(const ds_ctx *ctx);
} ds_host_v1;

/* ---- tap ---- */
typedef struct ds_tap ds_tap;
typedef struct ds_reader ds_reader;

#define DS_MSG_SCHEMA 1u     /* schema is set; comes before the first batch of (stream, schema_version), also for an empty stream */
#define DS_MSG_BATCH 2u      /* array is set: a struct array of that schema, without nulls at the top */
#define DS_MSG_CHECKPOINT 3u /* bookmark is set: it covers every message of this reader before this one */
#define DS_MSG_STREAM_END 4u /* no more records of stream from this reader */
#define DS_MSG_IGNORABLE (1u << 0) /* flag: a host that does not know this kind may skip it */
typedef struct ds_message {
  uint32_t struct_size;
  uint32_t kind;
  uint32_t flags;
  uint32_t stream;         /* index into the streams of the partition */
  uint32_t schema_version; /* from 1, rises by one with every DS_MSG_SCHEMA of the stream */
  uint32_t reserved;
  uint64_t source_bytes;   /* bytes read from the source for this batch; 0: not counted */
  struct ArrowArray array;
  struct ArrowSchema schema;
  ds_buf bookmark;         /* a JSON value, 32 MiB at most */
  /* Byte length of every buffer of array: depth first, a node's buffers before its children, a node's dictionary after
   * its children. An absent (NULL) buffer has length 0. A batch without it is refused. Borrowed until the next call on
   * the reader. */
  const int64_t *buffer_bytes;
  size_t n_buffer_bytes;
} ds_message;

typedef struct ds_tap_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Reads the config (JSON: name, type, connection, auth, options, ...; secrets in clear). No network, no file. */
  ds_status (*open)(const ds_ctx *ctx, const ds_str *config_json, ds_tap **out, ds_err *err);
  /* Reaches the source with the config and writes nothing. */
  ds_status (*check)(const ds_tap *self, ds_err *err);
  /* What can be read, as a catalog (JSON). */
  ds_status (*discover)(const ds_tap *self, ds_buf *catalog_json, ds_err *err);
  /* Cuts the selection (JSON) into partitions (JSON array) that can be read in parallel, here or elsewhere. */
  ds_status (*plan)(const ds_tap *self, const ds_str *selection_json, ds_buf *partitions_json, ds_err *err);
  /* Opens one partition (JSON: partition, streams, bookmark, limits of a batch). ctx is valid until close_reader. */
  ds_status (*open_reader)(const ds_tap *self, const ds_ctx *ctx, const ds_str *request_json, ds_reader **out, ds_err *err);
  /* Blocks until there is a message, at most about timeout_ms. out is zeroed but for struct_size; on DS_OK the host owns
   * what it holds. */
  ds_status (*next)(ds_reader *self, int64_t timeout_ms, ds_message *out, ds_err *err);
  /* Arrays that were handed out stay valid. */
  void (*close_reader)(ds_reader *self);
  void (*close)(ds_tap *self); /* after every reader of it is closed */
} ds_tap_v1;

/* ---- target: prepare, then commit ---- */
typedef struct ds_target ds_target;
typedef struct ds_writer ds_writer;

typedef struct ds_target_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* As for the tap. Creates nothing. */
  ds_status (*open)(const ds_ctx *ctx, const ds_str *config_json, ds_target **out, ds_err *err);
  /* Reaches the destination with the config, finds out whether it can be written to, and leaves no trace. */
  ds_status (*check)(const ds_target *self, ds_err *err);
  /* Fences every older run of the pipeline (JSON: pipeline, run) and says what is durable (JSON: epoch, records). After
   * it returns, no commit of an older epoch can succeed. */
  ds_status (*begin)(const ds_target *self, const ds_str *pipeline_json, ds_buf *begun_json, ds_err *err);
  /* Opens a writer for one partition (JSON: epoch, partition, streams with table, write mode, keys, generation, ...). */
  ds_status (*open_writer)(const ds_target *self, const ds_ctx *ctx, const ds_str *request_json, ds_writer **out, ds_err *err);
  /* The shape of the batches of (stream, schema_version) that follow. schema is borrowed. Makes or widens the table, at
   * the latest with the commit. */
  ds_status (*declare)(ds_writer *self, uint32_t stream, uint32_t schema_version, const struct ArrowSchema *schema, ds_err *err);
  /* Takes one batch. Always consumes it, also on failure: array->release is NULL on return, or the array was moved. */
  ds_status (*write)(ds_writer *self, uint32_t stream, uint32_t schema_version, struct ArrowArray *array, ds_err *err);
  /* Everything written since the last window can be committed from now on. prepared_json (rows, message) is handed to
   * commit as it is. */
  ds_status (*prepare)(ds_writer *self, uint64_t window, ds_buf *prepared_json, ds_err *err);
  /* Makes a prepared window and its records visible together, or neither (JSON: epoch, windows, records, publish). The
   * list windows holds one or none: each writer may keep its window in a transaction of its own. A record whose
   * sequence is already stored was committed before: then nothing is done and DS_OK is returned. */
  ds_status (*commit)(const ds_target *self, const ds_str *commit_json, ds_err *err);
  /* What was written and not committed is dropped. */
  void (*close_writer)(ds_writer *self);
  void (*close)(ds_target *self); /* after every writer of it is closed */
} ds_target_v1;

/* ---- root ---- */
typedef struct ds_connector_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  ds_str type;                  /* the word in the user's config: lower case letters, digits, '-' */
  const ds_tap_v1 *tap;         /* NULL: not a tap */
  const ds_target_v1 *target;   /* NULL: not a target */
} ds_connector_v1;

typedef struct ds_plugin_v1 {
  uint32_t struct_size;
  uint32_t abi_minor;
  uint32_t abi_draft;
  uint32_t reserved;
  ds_str manifest_json;         /* byte for byte what stands in the section of the file; names these connectors, in these roles */
  const ds_connector_v1 *const *connectors;
  size_t n_connectors;
  /* Stops every thread that this library started. Called once, after everything is closed. May be NULL. */
  ds_status (*shutdown)(int64_t deadline_ms);
  /* Optional families, by id; NULL: not known. The pointer may be NULL too. */
  const void *(*get_extension)(const ds_str *id);
} ds_plugin_v1;

#if defined(_WIN32)
#define DS_EXPORT __declspec(dllexport)
#else
#define DS_EXPORT __attribute__((visibility("default")))
#endif
/* The one exported symbol. Idempotent and cheap: no thread, no I/O, no environment. *out is static and immutable. */
DS_EXPORT ds_status dstream_plugin_v1(const ds_host_v1 *host, const ds_plugin_v1 **out, ds_err *err);

#define DS_HAS(type, p, field) ((p)->struct_size >= offsetof(type, field) + sizeof((p)->field))

/* ---- manifest: read from the file before any code of it runs ---- */
#define DS_MANIFEST_MAGIC "DSTREAM-MANIFEST" /* 16 bytes, then uint32 version (1), uint32 length, then the JSON */
#define DS_MANIFEST_VERSION 1u
#if defined(__APPLE__)
#define DS_MANIFEST_SECTION "__DATA,__dstream"
#elif defined(_WIN32)
#define DS_MANIFEST_SECTION ".dstream"
#else
#define DS_MANIFEST_SECTION ".dstream_manifest"
#endif
/* Places the manifest; json is a string literal. Defines ds_manifest, whose json field is the text. */
#define DS_MANIFEST(json_literal)                                                                                    \
  __attribute__((section(DS_MANIFEST_SECTION), used)) static const struct {                                          \
    char magic[16];                                                                                                  \
    uint32_t version;                                                                                                \
    uint32_t length;                                                                                                 \
    char json[sizeof(json_literal)]; /* its NUL is not counted */                                                    \
  } ds_manifest = {{'D', 'S', 'T', 'R', 'E', 'A', 'M', '-', 'M', 'A', 'N', 'I', 'F', 'E', 'S', 'T'},                  \
                   DS_MANIFEST_VERSION, sizeof(json_literal) - 1, json_literal}

#if defined(__cplusplus)
#define DS_ASSERT(c, m) static_assert(c, m)
#else
#define DS_ASSERT(c, m) _Static_assert(c, m)
#endif
DS_ASSERT(sizeof(void *) == 8, "64-bit only");
DS_ASSERT(sizeof(struct ArrowArray) == 80, "ArrowArray");
DS_ASSERT(sizeof(struct ArrowSchema) == 72, "ArrowSchema");
DS_ASSERT(sizeof(ds_buf) == 32, "ds_buf");
DS_ASSERT(sizeof(ds_error_desc) == 72, "ds_error_desc 1.0");
DS_ASSERT(sizeof(ds_log_record) == 72, "ds_log_record 1.0");
DS_ASSERT(offsetof(ds_message, array) == 32, "ds_message.array");
DS_ASSERT(sizeof(ds_message) == 32 + 80 + 72 + 32 + 16, "ds_message 1.0");
DS_ASSERT(sizeof(ds_host_v1) == 8 + 4 * 8, "ds_host_v1 1.0");
DS_ASSERT(sizeof(ds_tap_v1) == 8 + 8 * 8, "ds_tap_v1 1.0");
DS_ASSERT(sizeof(ds_target_v1) == 8 + 10 * 8, "ds_target_v1 1.0");
DS_ASSERT(sizeof(ds_connector_v1) == 8 + 4 * 8, "ds_connector_v1 1.0");
DS_ASSERT(sizeof(ds_plugin_v1) == 16 + 6 * 8, "ds_plugin_v1 1.0");
#ifdef __cplusplus
}
#endif
#endif
