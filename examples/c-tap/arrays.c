/* Arrow arrays and schemas by hand. Each node owns its own memory, for a consumer may keep a child and release the
 * parent; a release callback may run on any thread, after the library's objects are closed. */
#include "numbers.h"

#include <stdlib.h>
#include <string.h>

const char *const column_names[COLUMNS] = {"n", "word"};
static const char *const column_formats[COLUMNS] = {"l", "u"};

static void release_column(struct ArrowArray *array) {
  free(array->private_data); /* the list of buffers and the buffers are one block */
  array->release = NULL;
}

static void release_struct(struct ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; i++)
    if (array->children[i]->release) array->children[i]->release(array->children[i]);
  free(array->private_data);
  array->release = NULL;
}

static const char *say(int64_t n) {
  return n % 15 == 0 ? "fizzbuzz" : n % 5 == 0 ? "buzz" : n % 3 == 0 ? "fizz" : NULL;
}

static int make_numbers(struct ArrowArray *out, int64_t first, int64_t rows, int64_t *bytes) {
  const void **buffers = malloc(2 * sizeof *buffers + (size_t)rows * sizeof(int64_t));
  if (!buffers) return 0;
  int64_t *values = (int64_t *)(buffers + 2);
  for (int64_t i = 0; i < rows; i++) values[i] = first + i;
  buffers[0] = NULL; /* no nulls */
  buffers[1] = values;
  bytes[0] = 0;
  bytes[1] = rows * (int64_t)sizeof(int64_t);
  *out = (struct ArrowArray){.length = rows, .n_buffers = 2, .buffers = buffers, .release = release_column};
  out->private_data = buffers;
  return 1;
}

static int make_words(struct ArrowArray *out, int64_t first, int64_t rows, int64_t *bytes) {
  size_t valid_bytes = (size_t)(rows + 7) / 8, letters = 0;
  for (int64_t i = 0; i < rows; i++) letters += say(first + i) ? strlen(say(first + i)) : 0;
  size_t offset_bytes = ((size_t)rows + 1) * sizeof(int32_t);
  const void **buffers = calloc(1, 3 * sizeof *buffers + offset_bytes + valid_bytes + letters + 1);
  if (!buffers) return 0;
  int32_t *offsets = (int32_t *)(buffers + 3);
  uint8_t *valid = (uint8_t *)offsets + offset_bytes;
  char *data = (char *)valid + valid_bytes;
  int64_t nulls = 0;
  for (int64_t i = 0; i < rows; i++) {
    const char *word = say(first + i);
    size_t len = word ? strlen(word) : 0;
    if (word) {
      valid[i / 8] |= (uint8_t)(1u << (i % 8));
      memcpy(data + offsets[i], word, len);
    } else {
      nulls++;
    }
    offsets[i + 1] = offsets[i] + (int32_t)len;
  }
  buffers[0] = valid;
  buffers[1] = offsets;
  buffers[2] = data;
  bytes[0] = (int64_t)valid_bytes;
  bytes[1] = (int64_t)offset_bytes;
  bytes[2] = (int64_t)letters;
  *out = (struct ArrowArray){.length = rows, .null_count = nulls, .n_buffers = 3, .buffers = buffers};
  out->release = release_column;
  out->private_data = buffers;
  return 1;
}

struct struct_block {
  struct ArrowArray children[COLUMNS];
  struct ArrowArray *pointers[COLUMNS];
  const void *buffers[1];
};

int make_batch(struct ArrowArray *out, const enum column *selected, size_t columns, int64_t first, int64_t rows,
               int64_t *buffer_bytes, size_t *n_buffer_bytes) {
  struct struct_block *block = calloc(1, sizeof *block);
  if (!block) return 0;
  struct ArrowArray array = {.length = rows, .n_buffers = 1, .buffers = block->buffers, .children = block->pointers};
  array.release = release_struct;
  array.private_data = block;
  buffer_bytes[0] = 0; /* the struct has no validity bitmap */
  *n_buffer_bytes = 1;
  for (size_t i = 0; i < columns; i++) {
    int64_t *bytes = buffer_bytes + *n_buffer_bytes;
    int made = selected[i] == NUMBER ? make_numbers(&block->children[i], first, rows, bytes)
                                     : make_words(&block->children[i], first, rows, bytes);
    if (!made) {
      release_struct(&array);
      return 0;
    }
    block->pointers[i] = &block->children[i];
    array.n_children++;
    *n_buffer_bytes += (size_t)block->children[i].n_buffers;
  }
  *out = array;
  return 1;
}

/* Names and formats are static: a field has nothing to free. */
static void release_field(struct ArrowSchema *schema) { schema->release = NULL; }

struct schema_block {
  struct ArrowSchema children[COLUMNS];
  struct ArrowSchema *pointers[COLUMNS];
};

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++)
    if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
  free(schema->private_data);
  schema->release = NULL;
}

int make_schema(struct ArrowSchema *out, const enum column *selected, size_t columns) {
  struct schema_block *block = calloc(1, sizeof *block);
  if (!block) return 0;
  for (size_t i = 0; i < columns; i++) {
    block->children[i] = (struct ArrowSchema){.format = column_formats[selected[i]], .name = column_names[selected[i]]};
    block->children[i].flags = selected[i] == WORD ? ARROW_FLAG_NULLABLE : 0;
    block->children[i].release = release_field;
    block->pointers[i] = &block->children[i];
  }
  *out = (struct ArrowSchema){.format = "+s", .name = "", .n_children = (int64_t)columns};
  out->children = block->pointers;
  out->release = release_schema;
  out->private_data = block;
  return 1;
}
