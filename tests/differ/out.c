/* SPDX-License-Identifier: MIT */
#include "world.h"

_Thread_local struct out *out;
_Thread_local unsigned self;

void say(const char *format, ...)
{
	const size_t room = sizeof(out->text) - out->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->text + out->used, room, format, args);
	va_end(args);
	if (n > 0)
		out->used += (size_t)n < room ? (size_t)n : room - 1;
}

const char *num(int64_t v)
{
	static _Thread_local char text[8][32];
	static _Thread_local unsigned next;
	char *t = text[next++ % ARRAY_SIZE(text)];

	if (v < 0 && v > -4096 && strerrorname_np((int)-v))
		return strerrorname_np((int)-v);
	snprintf(t, sizeof(text[0]), "%lld", (long long)v);
	return t;
}

/* Four lanes, so that the multiplications overlap. */
uint64_t hash(const void *data, size_t bytes, uint64_t seed)
{
	const uint64_t k = 0x9e3779b97f4a7c15ull;
	uint64_t lane[4] = { seed, seed + 1, seed + 2, seed + 3 }, tail = bytes;
	const char *p = data;

	for (; bytes >= 32; bytes -= 32, p += 32) {
		uint64_t word[4];

		memcpy(word, p, sizeof(word));
		for (unsigned i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ word[i]) * k;
			lane[i] ^= lane[i] >> 29;
		}
	}
	for (; bytes; bytes--, p++)
		tail = (tail ^ (uint8_t)*p) * k;
	for (unsigned i = 0; i < 4; i++)
		tail = (tail ^ lane[i] ^ lane[i] >> 31) * k;
	return tail ^ tail >> 32;
}
