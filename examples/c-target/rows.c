/* From Arrow arrays to comma-separated lines: null is nothing between two commas, empty text is "". */
#include "rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const offered[] = {"b", "c", "C", "s", "S", "i", "I", "l", "L", "f", "g", "u", "U"};

static int is_offered(const char *format) {
  for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
    if (strcmp(offered[i], format) == 0) return 1;
  return 0;
}

static char *copy_text(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = malloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

void columns_free(struct columns *columns) {
  for (size_t i = 0; i < columns->n; i++) {
    free(columns->names[i]);
    free(columns->formats[i]);
  }
  free(columns->names);
  free(columns->formats);
  *columns = (struct columns){0};
}

static int columns_room(struct columns *out, size_t n) {
  *out = (struct columns){.n = n, .names = calloc(n + 1, sizeof(char *)), .formats = calloc(n + 1, sizeof(char *))};
  if (out->names && out->formats) return 1;
  out->n = 0;
  columns_free(out);
  return 0;
}

static int columns_put(struct columns *out, size_t at, const char *name, const char *format) {
  out->names[at] = copy_text(name);
  out->formats[at] = copy_text(format);
  return out->names[at] && out->formats[at];
}

enum outcome columns_copy(struct columns *out, const struct ArrowSchema *schema, size_t *at) {
  if (!columns_room(out, (size_t)schema->n_children)) return NO_MEMORY;
  for (*at = 0; *at < out->n; ++*at) {
    const struct ArrowSchema *field = schema->children[*at];
    enum outcome outcome = field->dictionary || !is_offered(field->format)                    ? NOT_OFFERED
                           : !columns_put(out, *at, field->name ? field->name : "", field->format) ? NO_MEMORY
                                                                                              : FINE;
    if (outcome != FINE) {
      columns_free(out);
      return outcome;
    }
  }
  return FINE;
}

int columns_clone(struct columns *out, const struct columns *columns) {
  if (!columns_room(out, columns->n)) return 0;
  for (size_t i = 0; i < out->n; i++) {
    if (!columns_put(out, i, columns->names[i], columns->formats[i])) {
      columns_free(out);
      return 0;
    }
  }
  return 1;
}

int columns_equal(const struct columns *a, const struct columns *b) {
  if (a->n != b->n) return 0;
  for (size_t i = 0; i < a->n; i++)
    if (strcmp(a->names[i], b->names[i]) != 0 || strcmp(a->formats[i], b->formats[i]) != 0) return 0;
  return 1;
}

static void write_text(FILE *out, const char *text, size_t len) {
  int plain = len > 0;
  for (size_t i = 0; i < len && plain; i++) plain = !strchr(",\"\r\n", text[i]) || text[i] == '\0';
  if (plain) {
    fwrite(text, 1, len, out);
    return;
  }
  putc('"', out);
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '"') putc('"', out);
    putc(text[i], out);
  }
  putc('"', out);
}

/* The shortest of the forms that read back as the same number. */
static void write_float(FILE *out, double value, int single) {
  char text[40];
  for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
  }
  fputs(text, out);
}

static int bit(const uint8_t *bits, int64_t at) { return bits[at / 8] >> (at % 8) & 1; }

static void write_value(FILE *out, char format, const struct ArrowArray *array, int64_t at) {
  const void *values = array->buffers[1];
  switch (format) {
    case 'b': fputs(bit(values, at) ? "true" : "false", out); break;
    case 'c': fprintf(out, "%d", ((const int8_t *)values)[at]); break;
    case 'C': fprintf(out, "%u", ((const uint8_t *)values)[at]); break;
    case 's': fprintf(out, "%d", ((const int16_t *)values)[at]); break;
    case 'S': fprintf(out, "%u", ((const uint16_t *)values)[at]); break;
    case 'i': fprintf(out, "%" PRId32, ((const int32_t *)values)[at]); break;
    case 'I': fprintf(out, "%" PRIu32, ((const uint32_t *)values)[at]); break;
    case 'l': fprintf(out, "%" PRId64, ((const int64_t *)values)[at]); break;
    case 'L': fprintf(out, "%" PRIu64, ((const uint64_t *)values)[at]); break;
    case 'f': write_float(out, (double)((const float *)values)[at], 1); break;
    case 'g': write_float(out, ((const double *)values)[at], 0); break;
    case 'u': {
      const int32_t *offsets = values;
      write_text(out, (const char *)array->buffers[2] + offsets[at], (size_t)(offsets[at + 1] - offsets[at]));
      break;
    }
    case 'U': {
      const int64_t *offsets = values;
      write_text(out, (const char *)array->buffers[2] + offsets[at], (size_t)(offsets[at + 1] - offsets[at]));
      break;
    }
    default: break; /* columns_copy lets no other format pass */
  }
}

void write_heading(FILE *out, const struct columns *columns) {
  for (size_t i = 0; i < columns->n; i++) {
    if (i) putc(',', out);
    write_text(out, columns->names[i], strlen(columns->names[i]));
  }
  putc('\n', out);
}

enum outcome write_rows(FILE *out, const struct columns *columns, const struct ArrowArray *batch) {
  if ((size_t)batch->n_children != columns->n) return BROKEN;
  for (int64_t row = 0; row < batch->length; row++) {
    for (size_t i = 0; i < columns->n; i++) {
      const struct ArrowArray *column = batch->children[i];
      int64_t at = batch->offset + column->offset + row; /* offsets of a struct and of its child add up */
      const uint8_t *valid = column->n_buffers > 0 ? column->buffers[0] : NULL;
      if (i) putc(',', out);
      if (!valid || bit(valid, at)) write_value(out, columns->formats[i][0], column, at);
    }
    putc('\n', out);
  }
  return FINE;
}
