/* SPDX-License-Identifier: MIT */
/*
 * Making programs. The state of a program is only guessed (what is open, which contexts live):
 * nothing depends on the guess being right, it only makes more of the steps interesting.
 */
#ifndef DIFFER_GENERATE_H
#define DIFFER_GENERATE_H

#include "parity/victim_env.h"
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include "step.h"

struct gen {
	uint64_t seed, state;
	struct program *p;
	struct step spill;	/* what does not fit */
	bool kernel;
	int what[16], mode[16];	/* of a slot; -1: not open */
	unsigned next_slot, next_id;
	bool live[4];
	bool direct;		/* something is open with O_DIRECT */
};

/* generate.c */
uint64_t draw(struct gen *g);
uint64_t below(struct gen *g, uint64_t n);
bool one_in(struct gen *g, unsigned n);
struct step *add(struct gen *g, enum kind kind);
#define pick(g, table) ((table)[below(g, ARRAY_SIZE(table))])

/* generate_cb.c */
int add_open(struct gen *g, int what, int mode);
int any_open(struct gen *g);			/* a slot, mostly an open one */
int a_slot_of(struct gen *g, int what);		/* opens one if there is none */
int any_context(struct gen *g);
void add_setup(struct gen *g, int c, int64_t nr);
struct step *add_cb(struct gen *g, int op, int fd);
struct step *add_valid(struct gen *g, int fd);	/* something that the file can do */
void corrupt(struct gen *g, struct step *cb, unsigned faults);
struct step *add_submit(struct gen *g, int c);
struct step *add_getev(struct gen *g, int c, int64_t min, int64_t nr, int t);
void resfd(struct step *cb, int fd);
int64_t a_buffer(struct gen *g);
int64_t a_length(struct gen *g);
int64_t an_offset(struct gen *g);

/* generate_noise.c: one step of almost any kind */
void add_noise(struct gen *g);

/* generate_faults.c, generate_tasks.c: more of what one mistake alone does not show */
void corrupt_one(struct gen *g, struct step *cb);
void theme_faults(struct gen *g);
void theme_arguments(struct gen *g);
void theme_ids(struct gen *g);
void theme_in_flight(struct gen *g);
void theme_drain(struct gen *g);
void theme_exec(struct gen *g);
void theme_creds(struct gen *g);
void theme_cold(struct gen *g);
void theme_counts(struct gen *g);

/* generate_themes*.c */
void generate_theme(struct gen *g);
void theme_slots(struct gen *g);
void theme_reap(struct gen *g);
void theme_poll(struct gen *g);
void theme_direct(struct gen *g);
void theme_life(struct gen *g);
void theme_signals(struct gen *g);
void theme_waiters(struct gen *g);
void theme_announce(struct gen *g);
void theme_crowd(struct gen *g);

#endif
