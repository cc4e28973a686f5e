/* The one stream of the tap as Arrow arrays. */
#ifndef NUMBERS_H
#define NUMBERS_H
#include <stddef.h>
#include <stdint.h>

#include "dstream.h"

enum column { NUMBER, WORD, COLUMNS };
extern const char *const column_names[COLUMNS];

#define MAX_BUFFERS (1 + 2 + 3) /* the struct's, those of `n`, those of `word` */

/* The rows for `first` and the numbers after it, with the length of every buffer; 0: no memory is left. */
int make_batch(struct ArrowArray *out, const enum column *selected, size_t columns, int64_t first, int64_t rows,
               int64_t *buffer_bytes, size_t *n_buffer_bytes);

/* The columns that were selected; 0: no memory is left. */
int make_schema(struct ArrowSchema *out, const enum column *selected, size_t columns);
#endif
