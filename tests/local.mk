# SPDX-License-Identifier: MIT
#
# To add a test is one line in one of these lists (one file per line, sorted):
#   unit_tests      tests/foo_t is built from tests/foo_t.c (Check) and linked with the supervisor
#   victims         tests/victim_foo is built from tests/victim_foo.c with libaio and threads
#   script_tests    run by sh, print TAP by tests/lib.sh, at most $(limit) seconds
#   waiting_tests   the same, but begun before all others: they take long; those that wait for each other apart
#   long_tests      the same, but run by `make check-long` only, after all others
#   test_headers    headers of the C files above
#   test_files      other files that tests read
# A program of more than one file, or with its own flags, gets the usual automake lines too.
unit_tests = \
	%D%/buffer_t \
	%D%/channel_t \
	%D%/complete_t \
	%D%/context_t \
	%D%/courtesy_t \
	%D%/creds_t \
	%D%/destroy_t \
	%D%/dispatch_t \
	%D%/engine_inline_t \
	%D%/engine_libaio_t \
	%D%/engine_null_t \
	%D%/engine_peer_line_t \
	%D%/engine_peer_poll_t \
	%D%/engine_peer_t \
	%D%/engine_peer_worker_t \
	%D%/engine_storage_t \
	%D%/engine_t \
	%D%/engine_threads_t \
	%D%/engine_uring_t \
	%D%/fault_t \
	%D%/feed_t \
	%D%/filter_t \
	%D%/format_t \
	%D%/guardian_t \
	%D%/histogram_t \
	%D%/handlers_t \
	%D%/iocb_t \
	%D%/kept_t \
	%D%/key_t \
	%D%/life_t \
	%D%/loop_t \
	%D%/loop_timer_t \
	%D%/mapping_t \
	%D%/opts_t \
	%D%/preload_t \
	%D%/probe_t \
	%D%/request_t \
	%D%/ring_t \
	%D%/room_t \
	%D%/sink_summary_t \
	%D%/spin_t \
	%D%/timers_t \
	%D%/trap_t \
	%D%/workers_t \
	%D%/writer_t \
	$(NULL)

victims = \
	%D%/clients/victim_oracle \
	%D%/parity/victim_async \
	%D%/parity/victim_blocking \
	%D%/parity/victim_cancel \
	%D%/parity/victim_combinations \
	%D%/parity/victim_creds \
	%D%/parity/victim_crowd \
	%D%/parity/victim_dependence \
	%D%/parity/victim_destroy \
	%D%/parity/victim_devices \
	%D%/parity/victim_direct \
	%D%/parity/victim_ending \
	%D%/parity/victim_entry \
	%D%/parity/victim_eventfd \
	%D%/parity/victim_facts \
	%D%/parity/victim_files \
	%D%/parity/victim_filesystems \
	%D%/parity/victim_filetypes \
	%D%/parity/victim_fsync \
	%D%/parity/victim_getevents \
	%D%/parity/victim_heirs \
	%D%/parity/victim_hidden \
	%D%/parity/victim_inotify \
	%D%/parity/victim_int80 \
	%D%/parity/victim_life \
	%D%/parity/victim_limits \
	%D%/parity/victim_lookup \
	%D%/parity/victim_mapping \
	%D%/parity/victim_order \
	%D%/parity/victim_pending \
	%D%/parity/victim_pgetevents \
	%D%/parity/victim_poll \
	%D%/parity/victim_prompt \
	%D%/parity/victim_protected \
	%D%/parity/victim_readers \
	%D%/parity/victim_refusals \
	%D%/parity/victim_ring \
	%D%/parity/victim_rw \
	%D%/parity/victim_setup \
	%D%/parity/victim_signals \
	%D%/parity/victim_slots \
	%D%/parity/victim_sockets \
	%D%/parity/victim_stops \
	%D%/parity/victim_stores \
	%D%/parity/victim_submit_errors \
	%D%/parity/victim_surroundings \
	%D%/parity/victim_threads \
	%D%/parity/victim_wake_keys \
	%D%/victim_accepted \
	%D%/victim_busy \
	%D%/victim_channel \
	%D%/victim_deny \
	%D%/victim_durable \
	%D%/victim_endings \
	%D%/victim_frozen \
	%D%/victim_fuse \
	%D%/victim_hostile \
	%D%/victim_idle \
	%D%/victim_inflight \
	%D%/victim_inject \
	%D%/victim_interrupted \
	%D%/victim_keys \
	%D%/victim_leaving \
	%D%/victim_lint \
	%D%/victim_lives \
	%D%/victim_missing_page \
	%D%/victim_numbers \
	%D%/victim_preloaded \
	%D%/victim_pty \
	%D%/victim_reapers \
	%D%/victim_restart \
	%D%/victim_room \
	%D%/victim_signals \
	%D%/victim_stall \
	%D%/victim_steps \
	%D%/victim_traced \
	%D%/victim_tree \
	%D%/victim_wait \
	%D%/victim_waits \
	%D%/victim_writer \
	$(NULL)

waiting_tests = \
	%D%/differ.sh \
	%D%/clients/fio_options.sh \
	%D%/clients/libev.sh \
	%D%/conformance/libaio.sh \
	%D%/clients/mariadb.sh \
	%D%/clients/nginx.sh \
	%D%/durable.sh \
	%D%/clients/fio.sh \
	%D%/clients/aio_max_nr.sh \
	%D%/clients/tgt.sh \
	%D%/parity-no-uring.sh \
	%D%/parity-submit-async.sh \
	%D%/parity-submit-kernel.sh \
	%D%/parity-null.sh \
	%D%/parity-libaio.sh \
	%D%/parity-old-kernel.sh \
	%D%/parity-shim.sh \
	%D%/parity-threads.sh \
	%D%/launch.sh \
	%D%/life.sh \
	$(NULL)

script_tests = \
	%D%/bench_judge.sh \
	%D%/busy.sh \
	%D%/cli.sh \
	%D%/clients/lvm2.sh \
	%D%/clients/oracle.sh \
	%D%/clients/pandas.sh \
	%D%/clients/qemu_img.sh \
	%D%/clients/qemu_io.sh \
	%D%/clients/stress_ng.sh \
	%D%/clients/stressapptest.sh \
	%D%/clients/sysbench.sh \
	%D%/clients/thin_tools.sh \
	%D%/control.sh \
	%D%/credentials.sh \
	%D%/docs.sh \
	%D%/doctor.sh \
	%D%/foreign.sh \
	%D%/frozen.sh \
	%D%/gdb.sh \
	%D%/guardian.sh \
	%D%/idle.sh \
	%D%/inflight.sh \
	%D%/inject_calls.sh \
	%D%/inject_cli.sh \
	%D%/inject_io.sh \
	%D%/inject_seed.sh \
	%D%/inject_time.sh \
	%D%/keys.sh \
	%D%/layers.sh \
	%D%/leaving.sh \
	%D%/limits.sh \
	%D%/lint.sh \
	%D%/listing.sh \
	%D%/mutations.sh \
	%D%/old_kernel.sh \
	%D%/parity/async.sh \
	%D%/parity/blocking.sh \
	%D%/parity/cancel.sh \
	%D%/parity/combinations.sh \
	%D%/parity/creds.sh \
	%D%/parity/crowd.sh \
	%D%/parity/dependence.sh \
	%D%/parity/destroy.sh \
	%D%/parity/devices.sh \
	%D%/parity/direct.sh \
	%D%/parity/ending.sh \
	%D%/parity/entry.sh \
	%D%/parity/eventfd.sh \
	%D%/parity/facts.sh \
	%D%/parity/files.sh \
	%D%/parity/filesystems.sh \
	%D%/parity/filetypes.sh \
	%D%/parity/fsync.sh \
	%D%/parity/getevents.sh \
	%D%/parity/heirs.sh \
	%D%/parity/hidden.sh \
	%D%/parity/inotify.sh \
	%D%/parity/int80.sh \
	%D%/parity/life.sh \
	%D%/parity/limits.sh \
	%D%/parity/lookup.sh \
	%D%/parity/mapping.sh \
	%D%/parity/order.sh \
	%D%/parity/pending.sh \
	%D%/parity/pgetevents.sh \
	%D%/parity/poll.sh \
	%D%/parity/prompt.sh \
	%D%/parity/protected.sh \
	%D%/parity/readers.sh \
	%D%/parity/refusals.sh \
	%D%/parity/ring.sh \
	%D%/parity/rw.sh \
	%D%/parity/setup.sh \
	%D%/parity/signals.sh \
	%D%/parity/slots.sh \
	%D%/parity/sockets.sh \
	%D%/parity/stops.sh \
	%D%/parity/stores.sh \
	%D%/parity/submit_errors.sh \
	%D%/parity/surroundings.sh \
	%D%/parity/threads.sh \
	%D%/parity/wake_keys.sh \
	%D%/privileges.sh \
	%D%/refused.sh \
	%D%/report.sh \
	%D%/report_browser.sh \
	%D%/rules.sh \
	%D%/self_fault.sh \
	%D%/self_fault_list.sh \
	%D%/shim.sh \
	%D%/shim_default.sh \
	%D%/shim_reap.sh \
	%D%/shim_setup.sh \
	%D%/shim_slots.sh \
	%D%/stall.sh \
	%D%/summary.sh \
	%D%/terminal.sh \
	%D%/trace.sh \
	%D%/trace_endings.sh \
	%D%/trace_formats.sh \
	%D%/trace_json.sh \
	%D%/trace_outputs.sh \
	%D%/trace_text.sh \
	$(NULL)

long_tests = \
	%D%/asan_long.sh \
	%D%/clients/matrix_long.sh \
	%D%/conformance/libaio_long.sh \
	%D%/conformance/lvm2_long.sh \
	%D%/crowd_long.sh \
	%D%/differ_long.sh \
	%D%/inject_long.sh \
	%D%/matrix_libaio_long.sh \
	%D%/matrix_threads_long.sh \
	%D%/matrix_uring_long.sh \
	%D%/report_long.sh \
	%D%/self_fault_long.sh \
	%D%/tsan_long.sh \
	$(NULL)

test_headers = \
	%D%/accepted.h \
	%D%/clients/oracle_blocks.h \
	%D%/clients/oracle_worker.h \
	%D%/differ/differ.h \
	%D%/differ/generate.h \
	%D%/differ/step.h \
	%D%/differ/world.h \
	%D%/dispatch_fakes.h \
	%D%/dispatch_rig.h \
	%D%/engine_rig.h \
	%D%/expect.h \
	%D%/lives.h \
	%D%/parity/blocking.h \
	%D%/parity/identity.h \
	%D%/parity/victim.h \
	%D%/parity/victim_env.h \
	%D%/peer_rig.h \
	%D%/stall.h \
	%D%/unit.h \
	%D%/victim_channel.h \
	$(NULL)

test_files = \
	%D%/aio_nr.sh \
	%D%/inject_lib.sh \
	%D%/bench/bench.sh \
	%D%/bench/database.sh \
	%D%/bench/judge.awk \
	%D%/bench/lib.sh \
	%D%/bench/scale.sh \
	%D%/bench/traced.sh \
	%D%/clients/client.sh \
	%D%/clients/ev_client.c \
	%D%/conformance/engines.sh \
	%D%/conformance/fetch.sh \
	%D%/conformance/libaio_cases.sh \
	%D%/fuse.sh \
	%D%/lib.sh \
	%D%/matrix.sh \
	%D%/parity/async.expect \
	%D%/parity/blocking.expect \
	%D%/parity/cancel.expect \
	%D%/parity/combinations.expect \
	%D%/parity/compare.awk \
	%D%/parity/creds.expect \
	%D%/parity/crowd.expect \
	%D%/parity/dependence.expect \
	%D%/parity/destroy.expect \
	%D%/parity/devices.expect \
	%D%/parity/differences \
	%D%/parity/direct.expect \
	%D%/parity/ending.expect \
	%D%/parity/entry.expect \
	%D%/parity/eventfd.expect \
	%D%/parity/every.sh \
	%D%/parity/facts.expect \
	%D%/parity/files.expect \
	%D%/parity/filesystems.expect \
	%D%/parity/filetypes.expect \
	%D%/parity/fsync.expect \
	%D%/parity/getevents.expect \
	%D%/parity/heirs.expect \
	%D%/parity/hidden.expect \
	%D%/parity/inotify.expect \
	%D%/parity/int80.expect \
	%D%/parity/life.expect \
	%D%/parity/limits.expect \
	%D%/parity/lookup.expect \
	%D%/parity/mapping.expect \
	%D%/parity/mounts.sh \
	%D%/parity/null.differs \
	%D%/parity/order.expect \
	%D%/parity/pending.expect \
	%D%/parity/parity.sh \
	%D%/parity/pgetevents.expect \
	%D%/parity/poll.expect \
	%D%/parity/prompt.expect \
	%D%/parity/protected.expect \
	%D%/parity/readers.expect \
	%D%/parity/refusals.expect \
	%D%/parity/ring.expect \
	%D%/parity/rw.expect \
	%D%/parity/setup.expect \
	%D%/parity/signals.expect \
	%D%/parity/slots.expect \
	%D%/parity/sockets.expect \
	%D%/parity/stops.expect \
	%D%/parity/stores.expect \
	%D%/parity/submit_errors.expect \
	%D%/parity/surroundings.expect \
	%D%/parity/threads.expect \
	%D%/parity/wake_keys.expect \
	%D%/report/browser.sh \
	%D%/report/generate.py \
	%D%/report/hostile.py \
	%D%/report/interact.js \
	%D%/report/parse.py \
	%D%/report/png.py \
	%D%/report/units.py \
	%D%/report/verify.py \
	%D%/rules.awk \
	%D%/sanitized.sh \
	%D%/self_fault_exempt \
	%D%/self_fault_judge.awk \
	%D%/self_fault_lib.sh \
	%D%/self_fault_one.sh \
	%D%/trace_formats.py \
	%D%/trace_json.py \
	$(NULL)

test_files += $(differ_corpus)
differ_corpus = $(addprefix %D%/differ/corpus/, \
	devices_with_a_signal_pending \
	direct_misaligned_read_only \
	directory_dontcache \
	eventfd_of_this_call \
	exec_of_a_child_after_a_failed_one \
	id_of_a_moved_ring_in_its_successor \
	limit_and_nowait \
	many_interrupted_waits \
	nothing_nowait_append \
	nothing_nowait_append_file \
	nothing_to_a_terminal_with_a_signal_pending \
	old_data_at_a_read_only_page \
	old_data_of_this_call \
	read_fault_peers \
	read_shut_datagrams \
	refused_with_flags \
	slots_of_this_call \
	stale_handle_of_a_moved_ring \
	two_signals \
	vector_bad_before_missing \
	write_fault_files \
	write_fault_null \
	write_fault_socket \
	write_only_segments \
	write_shut_datagrams \
	)

noinst_HEADERS += $(test_headers)
EXTRA_DIST += $(waiting_tests) $(script_tests) $(long_tests) $(test_files)
EXTRA_DIST += %D%/mutations/run.sh $(wildcard $(srcdir)/%D%/mutations/*.patch)
script_sources = $(addprefix $(top_srcdir)/, \
	$(waiting_tests) $(script_tests) $(long_tests) %D%/aio_nr.sh %D%/fuse.sh %D%/lib.sh %D%/clients/client.sh %D%/matrix.sh %D%/sanitized.sh \
	%D%/conformance/engines.sh %D%/conformance/fetch.sh \
	%D%/conformance/libaio_cases.sh %D%/parity/every.sh %D%/parity/mounts.sh %D%/parity/parity.sh)
script_sources += $(top_srcdir)/%D%/mutations/run.sh \
	$(top_srcdir)/%D%/report/browser.sh \
	$(top_srcdir)/%D%/self_fault_lib.sh $(top_srcdir)/%D%/self_fault_one.sh
check_PROGRAMS += $(victims)
TESTS += $(waiting_tests) $(script_tests)
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

check_PROGRAMS += %D%/bench/load

# programs with needs of their own
check_PROGRAMS += %D%/differ/differ
%C%_differ_differ_SOURCES = \
	%D%/differ/arena.c \
	%D%/differ/batch.c \
	%D%/differ/compare.c \
	%D%/differ/differ.c \
	%D%/differ/fds.c \
	%D%/differ/flow.c \
	%D%/differ/freedom.c \
	%D%/differ/generate.c \
	%D%/differ/generate_cb.c \
	%D%/differ/generate_faults.c \
	%D%/differ/generate_life.c \
	%D%/differ/generate_noise.c \
	%D%/differ/generate_rings.c \
	%D%/differ/generate_tasks.c \
	%D%/differ/generate_themes.c \
	%D%/differ/image.c \
	%D%/differ/minimise.c \
	%D%/differ/out.c \
	%D%/differ/rings.c \
	%D%/differ/step_calls.c \
	%D%/differ/step_events.c \
	%D%/differ/step_files.c \
	%D%/differ/text.c
%C%_parity_victim_blocking_SOURCES = %D%/parity/blocking_kinds.c %D%/parity/victim_blocking.c
%C%_victim_accepted_SOURCES = \
	%D%/accepted_calls.c \
	%D%/accepted_files.c \
	%D%/accepted_peers.c \
	%D%/victim_accepted.c
%C%_victim_lives_SOURCES = %D%/lives_exec.c %D%/lives_many.c %D%/lives_share.c %D%/victim_lives.c
%C%_victim_stall_SOURCES = %D%/stall_hangs.c %D%/victim_stall.c
# the program, but that every call of a library that can fail goes through a wrapper, and fails if told to
check_PROGRAMS += %D%/failing_sandbox
%C%_failing_sandbox_SOURCES = supervisor/main.c %D%/self_fault.c %D%/self_fault_list.h
%C%_failing_sandbox_CFLAGS = $(supervisor_flags)
%C%_failing_sandbox_LDFLAGS = $(SAN_FLAGS) $(COV_FLAGS) @%D%/self_fault.flags
%C%_failing_sandbox_LDADD = $(supervisor_libs)
EXTRA_%C%_failing_sandbox_DEPENDENCIES = %D%/self_fault.flags
CLEANFILES += %D%/self_fault.flags
%D%/self_fault.flags: %D%/self_fault_list.h
	$(AM_V_GEN)sed -n 's/^SELF_FAULT(\([a-z0-9_]*\),.*/-Wl,--wrap=\1/p' $< >$@
%C%_victim_deny_LDADD = $(LDADD) $(SECCOMP_LIBS)
%C%_victim_steps_LDADD = $(LDADD) $(SECCOMP_LIBS)
if HAVE_FUSE3
check_PROGRAMS += %D%/victim_fuse
%C%_victim_fuse_CFLAGS = $(AM_CFLAGS) $(FUSE3_CFLAGS)
%C%_victim_fuse_LDADD = $(LDADD) $(FUSE3_LIBS)
endif

# target-specific variables: one rule for all unit tests instead of four lines for each
$(unit_tests): build_flags = $(CHECK_CFLAGS) $(SAN_FLAGS) $(COV_FLAGS)
$(unit_tests): private LDADD = $(supervisor_libs) $(CHECK_LIBS)
$(unit_tests): supervisor/libsupervisor.a

# a hang becomes an ERROR; some have to wait for others, for fs.aio-nr
limit = 120
tests/clients/%.log: limit = 900
tests/conformance/%.log: limit = 900
tests/credentials.log tests/differ.log tests/parity-%.log tests/parity/%.log tests/self_fault.log: limit = 600
tests/report.log tests/report_browser.log: limit = 600

TEST_EXTENSIONS = .sh
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
LOG_COMPILER = timeout -k 5 $(limit)
SH_LOG_DRIVER = $(tap_driver)
SH_LOG_COMPILER = timeout -k 5 $(limit) $(SHELL)
AM_TESTS_ENVIRONMENT = \
	srcdir='$(srcdir)'; export srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	AIO_SANDBOX='$(abs_top_builddir)/aio-sandbox$(EXEEXT)'; export AIO_SANDBOX; \
	CK_DEFAULT_TIMEOUT=30; export CK_DEFAULT_TIMEOUT; \
	MALLOC_PERTURB_=165; export MALLOC_PERTURB_;

# everything, as long as it takes: an hour and more
check-long:
	$(MAKE) check TESTS='$(TESTS) $(long_tests)' limit=7200

# is each behaviour tested? (MUTATIONS="eventfd-* ..." for some; BY=differ: does the generator find it?)
check-mutations: all
	srcdir='$(abs_srcdir)' top_builddir='$(abs_top_builddir)' MAKE='$(MAKE)' \
	MUTATIONS='$(MUTATIONS)' BY='$(BY)' TRIES='$(TRIES)' $(SHELL) $(srcdir)/tests/mutations/run.sh

bench bench-scale: all %D%/bench/load$(EXEEXT)
	srcdir='$(srcdir)' top_builddir='$(abs_top_builddir)' \
	AIO_SANDBOX='$(abs_top_builddir)/aio-sandbox$(EXEEXT)' \
	bash $(srcdir)/tests/bench/$(patsubst bench-%,%,$@).sh
