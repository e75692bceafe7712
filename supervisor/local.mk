# SPDX-License-Identifier: MIT
#
# Everything but main.c goes into an archive, so that unit tests link the same objects.
# One file per line, sorted.
supervisor_sources = \
	%D%/batch.c \
	%D%/batch.h \
	%D%/breaker.c \
	%D%/breaker.h \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/call.c \
	%D%/call.h \
	%D%/chain.c \
	%D%/chain.h \
	%D%/channel.c \
	%D%/channel.h \
	%D%/children.c \
	%D%/children.h \
	%D%/complete.c \
	%D%/complete.h \
	%D%/context.c \
	%D%/context.h \
	%D%/control.c \
	%D%/control.h \
	%D%/copy_out.c \
	%D%/copy_out.h \
	%D%/courtesy.c \
	%D%/courtesy.h \
	%D%/creds.c \
	%D%/creds.h \
	%D%/dispatch.c \
	%D%/dispatch.h \
	%D%/doctor.c \
	%D%/doctor.h \
	%D%/door.h \
	%D%/door_channel.c \
	%D%/door_trap.c \
	%D%/engine.c \
	%D%/engine.h \
	%D%/engine_inline.c \
	%D%/engine_libaio.c \
	%D%/engine_null.c \
	%D%/engine_peer.c \
	%D%/engine_peer.h \
	%D%/engine_peer_attempt.c \
	%D%/engine_peer_attempt.h \
	%D%/engine_peer_impl.h \
	%D%/engine_peer_line.c \
	%D%/engine_peer_line.h \
	%D%/engine_peer_poll.c \
	%D%/engine_threads.c \
	%D%/environment.c \
	%D%/environment.h \
	%D%/episode.c \
	%D%/episode.h \
	%D%/errand.c \
	%D%/errand.h \
	%D%/errand_copy.c \
	%D%/errand_impl.h \
	%D%/eventfd.c \
	%D%/eventfd.h \
	%D%/fault.c \
	%D%/fault.h \
	%D%/fault_errors.c \
	%D%/fault_impl.h \
	%D%/fault_parse.c \
	%D%/fault_value.c \
	%D%/fault_words.c \
	%D%/faults.c \
	%D%/faults.h \
	%D%/faults_call.c \
	%D%/faults_hold.c \
	%D%/faults_impl.h \
	%D%/faults_io.c \
	%D%/faults_publish.c \
	%D%/faults_torn.c \
	%D%/feed.c \
	%D%/feed.h \
	%D%/file.c \
	%D%/file.h \
	%D%/file_class.c \
	%D%/file_impl.h \
	%D%/file_iter.c \
	%D%/filter.c \
	%D%/filter.h \
	%D%/format.c \
	%D%/format.h \
	%D%/file_path.c \
	%D%/fs.c \
	%D%/fs.h \
	%D%/guardian.c \
	%D%/guardian.h \
	%D%/guardian_impl.h \
	%D%/guardian_link.c \
	%D%/guardian_pulse.c \
	%D%/handle_cancel.c \
	%D%/handle_foreign.c \
	%D%/handle_getevents.c \
	%D%/handle_setup.c \
	%D%/handle_shim.c \
	%D%/handle_submit.c \
	%D%/histogram.c \
	%D%/histogram.h \
	%D%/hostaio.c \
	%D%/hostaio.h \
	%D%/image.c \
	%D%/image.h \
	%D%/inflight.c \
	%D%/inflight.h \
	%D%/inherited.c \
	%D%/inherited.h \
	%D%/io.h \
	%D%/iocb.c \
	%D%/iocb.h \
	%D%/kept.c \
	%D%/kept.h \
	%D%/key.c \
	%D%/key.h \
	%D%/kill_tree.c \
	%D%/label.c \
	%D%/label.h \
	%D%/launch.c \
	%D%/launch.h \
	%D%/life.c \
	%D%/lint.c \
	%D%/lint.h \
	%D%/lint_counter.c \
	%D%/lint_impl.h \
	%D%/lint_rest.c \
	%D%/list.h \
	%D%/log.c \
	%D%/log.h \
	%D%/lookup.c \
	%D%/loop.c \
	%D%/loop.h \
	%D%/mapping.c \
	%D%/mapping.h \
	%D%/mm.c \
	%D%/mm.h \
	%D%/naming.c \
	%D%/naming.h \
	%D%/notify.c \
	%D%/notify.h \
	%D%/observe.h \
	%D%/opts.c \
	%D%/opts.h \
	%D%/opts_impl.h \
	%D%/opts_inject.c \
	%D%/opts_shim.c \
	%D%/opts_trace.c \
	%D%/opts_value.c \
	%D%/opts_value.h \
	%D%/opts_watch.c \
	%D%/out.c \
	%D%/out.h \
	%D%/passed.c \
	%D%/passed.h \
	%D%/plan.h \
	%D%/poller.c \
	%D%/poller.h \
	%D%/preload.c \
	%D%/preload.h \
	%D%/preload_guard.c \
	%D%/preload_guard.h \
	%D%/probe.c \
	%D%/probe.h \
	%D%/probe_host.c \
	%D%/probe_impl.h \
	%D%/probe_text.c \
	%D%/probe_trap.c \
	%D%/probe_trial.c \
	%D%/probe_trial.h \
	%D%/probe_victim.c \
	%D%/pulse.h \
	%D%/record.c \
	%D%/record.h \
	%D%/remote.c \
	%D%/remote.h \
	%D%/request.c \
	%D%/request.h \
	%D%/ring.c \
	%D%/ring.h \
	%D%/rwf.h \
	%D%/seccomp_flags.h \
	%D%/self.c \
	%D%/self.h \
	%D%/setup.h \
	%D%/signals.c \
	%D%/signals.h \
	%D%/sink.c \
	%D%/sink.h \
	%D%/sink_chrome.c \
	%D%/sink_iolog.c \
	%D%/sink_json.c \
	%D%/sink_split.c \
	%D%/sink_request.c \
	%D%/sink_request.h \
	%D%/sink_summary.c \
	%D%/sink_summary.h \
	%D%/sink_summary_figures.c \
	%D%/sink_summary_json.c \
	%D%/sink_summary_text.c \
	%D%/sink_text.c \
	%D%/sink_text_call.c \
	%D%/spin.c \
	%D%/spin.h \
	%D%/submit.h \
	%D%/submit_accept.c \
	%D%/submit_batch.c \
	%D%/submit_depends.c \
	%D%/submit_member.c \
	%D%/submit_prepare.c \
	%D%/submit_reach.c \
	%D%/submit_signals.c \
	%D%/submit_waits.c \
	%D%/submitter.c \
	%D%/submitter.h \
	%D%/supervise.c \
	%D%/supervise.h \
	%D%/task.c \
	%D%/task.h \
	%D%/timers.c \
	%D%/timers.h \
	%D%/trace.c \
	%D%/trace.h \
	%D%/trace_config.h \
	%D%/trace_fill.c \
	%D%/trace_fill.h \
	%D%/trace_impl.h \
	%D%/trace_ring.c \
	%D%/trace_set.c \
	%D%/trace_set.h \
	%D%/tracee.c \
	%D%/tracee.h \
	%D%/tracee_creds.c \
	%D%/tracee_memory.c \
	%D%/tracee_names.c \
	%D%/tracee_signals.c \
	%D%/tracing.c \
	%D%/tracing.h \
	%D%/trap.c \
	%D%/trap.h \
	%D%/uts.c \
	%D%/uts.h \
	%D%/util.h \
	%D%/watch.c \
	%D%/worker.c \
	%D%/worker.h \
	%D%/workers.c \
	%D%/workers.h \
	%D%/writer.c \
	%D%/writer.h \
	$(NULL)

# without liburing these are only in the tarball
supervisor_uring_sources = \
	%D%/engine_uring.c \
	$(NULL)

noinst_LIBRARIES += %D%/libsupervisor.a
%C%_libsupervisor_a_SOURCES = $(supervisor_sources)
if HAVE_URING
%C%_libsupervisor_a_SOURCES += $(supervisor_uring_sources)
else
EXTRA_DIST += $(supervisor_uring_sources)
endif
supervisor_flags = \
	$(AM_CFLAGS) -DSHIM_INSTALLED='"$(shim_installed)"' $(SECCOMP_CFLAGS) $(URING_CFLAGS) $(SAN_FLAGS) $(COV_FLAGS) $(NULL)
supervisor_libs = \
	%D%/libsupervisor.a $(SECCOMP_LIBS) $(EV_LIBS) $(AIO_LIBS) $(URING_LIBS) -lpthread $(NULL)
%C%_libsupervisor_a_CFLAGS = $(supervisor_flags)

bin_PROGRAMS += aio-sandbox aio-sandbox-ctl
aio_sandbox_ctl_SOURCES = %D%/ctl.c
aio_sandbox_SOURCES = %D%/main.c
aio_sandbox_CFLAGS  = $(supervisor_flags)
aio_sandbox_LDFLAGS = $(SAN_FLAGS) $(COV_FLAGS)
aio_sandbox_LDADD   = $(supervisor_libs)
