/* Just enough JSON for a connector: finds members and items in a document that the host made, without allocating. */
#ifndef MINI_JSON_H
#define MINI_JSON_H
#include <stdint.h>
#include <string.h>

#include "dstream.h"

static inline ds_str text(const char *literal) { return (ds_str){literal, strlen(literal)}; }

static inline int text_is(ds_str a, const char *literal) {
  return a.len == strlen(literal) && memcmp(a.ptr, literal, a.len) == 0;
}

static inline const char *json_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* The end of the value that starts at `at`; NULL where the document breaks off. */
static inline const char *json_skip(const char *at, const char *end) {
  int depth = 0;
  do {
    at = json_space(at, end);
    if (at >= end) return NULL;
    if (*at == '"') {
      for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
      if (at >= end) return NULL;
      at++;
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      if (--depth < 0) return NULL;
      at++;
    } else if (*at == ',' || *at == ':') {
      if (depth == 0) return NULL;
      at++;
    } else {
      while (at < end && !strchr(",:]} \t\n\r", *at)) at++;
    }
  } while (depth > 0);
  return at;
}

/* The value of member `key` of an object; 0: there is none, or it is null. Keys are compared as they are written. */
static inline int json_get(ds_str object, const char *key, ds_str *value) {
  const char *end = object.ptr + object.len, *at = object.len ? json_space(object.ptr, end) : end;
  if (at >= end || *at != '{') return 0;
  at = json_space(at + 1, end);
  while (at < end && *at == '"') {
    const char *name = at, *past = json_skip(at, end);
    if (!past) return 0;
    at = json_space(past, end);
    if (at >= end || *at != ':') return 0;
    const char *start = json_space(at + 1, end);
    at = json_skip(start, end);
    if (!at) return 0;
    if (text_is((ds_str){name + 1, (size_t)(past - name) - 2}, key)) {
      *value = (ds_str){start, (size_t)(at - start)};
      return !text_is(*value, "null");
    }
    at = json_space(at, end);
    if (at < end && *at == ',') at = json_space(at + 1, end);
  }
  return 0;
}

/* Item `index` of an array; 0: there is none. */
static inline int json_item(ds_str array, size_t index, ds_str *value) {
  const char *end = array.ptr + array.len, *at = array.len ? json_space(array.ptr, end) : end;
  if (at >= end || *at != '[') return 0;
  at = json_space(at + 1, end);
  while (at < end && *at != ']') {
    const char *past = json_skip(at, end);
    if (!past) return 0;
    if (index-- == 0) {
      *value = (ds_str){at, (size_t)(past - at)};
      return 1;
    }
    at = json_space(past, end);
    if (at < end && *at == ',') at = json_space(at + 1, end);
  }
  return 0;
}

/* A whole number; 0: the value is something else, or too large. */
static inline int json_int(ds_str value, int64_t *out) {
  size_t i = 0;
  int negative = value.len > 0 && value.ptr[0] == '-';
  int64_t sum = 0;
  if (negative) i++;
  if (i == value.len) return 0;
  for (; i < value.len; i++) {
    char digit = value.ptr[i];
    if (digit < '0' || digit > '9' || sum > (INT64_MAX - (digit - '0')) / 10) return 0;
    sum = sum * 10 + (digit - '0');
  }
  *out = negative ? -sum : sum;
  return 1;
}

/* Copies a string without its quotes and escapes, with a NUL; 0: it is no string, holds NUL, or does not fit. */
static inline int json_string(ds_str value, char *out, size_t size) {
  size_t used = 0;
  if (value.len < 2 || value.ptr[0] != '"') return 0;
  for (size_t i = 1; i + 1 < value.len; i++) {
    unsigned code = (unsigned char)value.ptr[i];
    if (code == '\\') {
      static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
      char escape = value.ptr[++i];
      const char *known = strchr(from, escape);
      if (escape == 'u' && i + 4 < value.len) {
        code = 0;
        for (int digits = 4; digits > 0; digits--) {
          char c = value.ptr[++i];
          unsigned low = (unsigned)(c | 0x20);
          code = code * 16 + (c >= '0' && c <= '9' ? (unsigned)(c - '0') : low - 'a' + 10);
        }
        if (code >= 0x80) return 0; /* the host writes text as UTF-8 and escapes control characters only */
      } else if (known && escape) {
        code = (unsigned char)to[known - from];
      } else {
        return 0;
      }
    }
    if (code == 0 || used + 1 >= size) return 0;
    out[used++] = (char)code;
  }
  out[used] = '\0';
  return 1;
}
#endif
