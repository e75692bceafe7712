/* SPDX-License-Identifier: MIT */
#include "label.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

struct label *label_create(const char *text, size_t length_bytes)
{
	struct label *l = malloc(sizeof(*l) + length_bytes + 1);

	if (!l)
		return NULL;
	atomic_init(&l->refs, 1);
	l->length_bytes = length_bytes;
	l->hash = 0;
	if (text)
		memcpy(l->text, text, length_bytes);
	l->text[length_bytes] = '\0';
	return l;
}

struct label *label_get(struct label *l)
{
	if (l)
		atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void label_put(struct label *l)
{
	if (l && atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1)
		free(l);
}

uint64_t label_hash(struct label *l)
{
	if (!l->hash)
		l->hash = hash_text(l->text, l->length_bytes) | 1;
	return l->hash;
}
