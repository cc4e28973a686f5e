/* From Arrow arrays to comma-separated lines. */
#ifndef ROWS_H
#define ROWS_H
#include <stdio.h>

#include "dstream.h"

/* The columns of one stream, kept from `declare` on. */
struct columns {
  size_t n;
  char **names;
  char **formats;
};

enum outcome { FINE, NO_MEMORY, NOT_OFFERED, BROKEN };

/* Copies names and types. NOT_OFFERED: column `*at` has a type that has no text here. */
enum outcome columns_copy(struct columns *out, const struct ArrowSchema *schema, size_t *at);
/* 0: no memory is left. */
int columns_clone(struct columns *out, const struct columns *columns);
int columns_equal(const struct columns *a, const struct columns *b);
void columns_free(struct columns *columns);

/* The line with the names. Both look at the state of `out` only, not at what is buffered in it. */
void write_heading(FILE *out, const struct columns *columns);
/* One line for every row. BROKEN: the array does not have the columns that were declared. */
enum outcome write_rows(FILE *out, const struct columns *columns, const struct ArrowArray *batch);
#endif
