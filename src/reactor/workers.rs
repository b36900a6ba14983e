//! Threads for calls of the system that block and cannot be cancelled: name lookups.
//!
//! Four calls at a time, as a rule. One that has not returned after a moment may hang for as long
//! as the system likes: it no longer counts as one of the four, and a further thread takes what
//! waits, up to 64. Of calls about one subject (a name) no more than four are under way, so that a
//! dead name, however often it is asked for, leaves the other threads to the others; and four are
//! kept for calls without a subject, which do not hang. Threads come with the work and go after ten
//! idle seconds. A job holds nothing alive that anybody waits for: whoever gave it up simply does
//! not look at its result.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::base::lock::lock;

use super::gauge::Gauge;
use super::mailbox::Job;
use super::timers;

/// Calls at a time, without those that seem to hang.
const AT_A_TIME: usize = 4;
/// Until then a call counts; most have returned long before.
const PATIENCE: Duration = Duration::from_millis(100);
const MAX_WORKERS: usize = 64;
const MAX_WITH_A_SUBJECT: usize = MAX_WORKERS - AT_A_TIME;
const MAX_OF_ONE_SUBJECT: usize = 4;
const IDLE: Duration = Duration::from_secs(10);

/// Dropping it lets idle threads go at once, and forgets what nobody has begun with.
pub struct Workers(Arc<Office>);

struct Office {
    gauge: Gauge,
    state: Mutex<State>,
    /// A thread that has nothing to do waits here for a call.
    calls: Receiver<()>,
}

#[derive(Default)]
struct State {
    /// `None`: the office is closed.
    bell: Option<Sender<()>>,
    queue: VecDeque<Errand>,
    under_way: Vec<Call>,
    /// Numbers the calls.
    begun: u64,
    /// `free <= alive <= MAX_WORKERS`.
    alive: usize,
    /// Of the threads those that will look at the queue before they do anything else.
    free: usize,
}

struct Errand {
    subjects: Vec<String>,
    job: Job,
}

struct Call {
    number: u64,
    since: Instant,
    subjects: Vec<String>,
}

impl Workers {
    pub fn new(gauge: Gauge) -> Workers {
        let (bell, calls) = unbounded();
        let state = Mutex::new(State { bell: Some(bell), ..State::default() });
        Workers(Arc::new(Office { gauge, state, calls }))
    }

    /// Has `job` run on some thread. It may hang because of any of its subjects.
    pub fn run(&self, subjects: Vec<String>, job: Job) -> io::Result<()> {
        let mut state = lock(&self.0.state);
        state.queue.push_back(Errand { subjects, job });
        let Err(error) = self.0.call_someone(&mut state) else { return Ok(()) };
        if state.alive > 0 {
            return Ok(());
        }
        let unrun = state.queue.pop_back();
        drop(state);
        drop(unrun);
        Err(error)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        // Without its bell the channel wakes everybody.
        state.bell = None;
        let unrun = std::mem::take(&mut state.queue);
        drop(state);
        drop(unrun);
    }
}

impl Office {
    /// Sees to it that a thread looks at the queue, if there may be one more.
    fn call_someone(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.free > 0 {
            if let Some(bell) = &state.bell {
                let _ = bell.send(());
            }
            return Ok(());
        }
        if state.alive >= MAX_WORKERS {
            return Ok(());
        }
        let office = Arc::clone(self);
        self.gauge.spawn("anyws-lookup", move || office.work())?;
        state.alive += 1;
        state.free += 1;
        Ok(())
    }

    /// A thread's life.
    fn work(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        state.free -= 1;
        let mut leaves_at = timers::now() + IDLE;
        loop {
            let now = timers::now();
            let wait_until = match state.begin(now) {
                Begun::Call(number, job) => {
                    if !state.queue.is_empty() {
                        let _ = self.call_someone(&mut state);
                    }
                    drop(state);
                    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                    state = lock(&self.state);
                    state.under_way.retain(|call| call.number != number);
                    leaves_at = timers::now() + IDLE;
                    continue;
                }
                Begun::NotUntil(then) => then,
                Begun::Nothing => leaves_at,
            };
            if state.bell.is_none() || now >= wait_until {
                state.alive -= 1;
                return;
            }
            state.free += 1;
            drop(state);
            // Called, or not: the queue tells.
            let _ = self.calls.recv_timeout(wait_until.saturating_duration_since(now));
            state = lock(&self.state);
            state.free -= 1;
        }
    }
}

enum Begun {
    Call(u64, Job),
    /// Something waits, and may be begun with then at the latest.
    NotUntil(Instant),
    Nothing,
}

impl State {
    /// Takes out what may be begun with now.
    fn begin(&mut self, now: Instant) -> Begun {
        let with_a_subject = self.under_way.iter().filter(|call| !call.subjects.is_empty()).count();
        let may_begin = |errand: &Errand| {
            if errand.subjects.is_empty() {
                return true;
            }
            let is_free = |subject| {
                let alike = self.under_way.iter().filter(|call| call.subjects.contains(subject));
                alike.count() < MAX_OF_ONE_SUBJECT
            };
            with_a_subject < MAX_WITH_A_SUBJECT && errand.subjects.iter().all(is_free)
        };
        let Some(at) = self.queue.iter().position(may_begin) else { return Begun::Nothing };
        let ends = self.under_way.iter().map(|call| call.since + PATIENCE);
        let young = ends.filter(|end| now < *end);
        if young.clone().count() >= AT_A_TIME {
            return young.min().map_or(Begun::Nothing, Begun::NotUntil);
        }
        let Some(Errand { subjects, job }) = self.queue.remove(at) else { return Begun::Nothing };
        self.begun += 1;
        self.under_way.push(Call { number: self.begun, since: now, subjects });
        Begun::Call(self.begun, job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn office() -> (Gauge, Workers) {
        let gauge = Gauge::default();
        (gauge.clone(), Workers::new(gauge))
    }

    /// Jobs that hang until the sender is dropped.
    struct Hanging {
        let_go: Sender<()>,
        hang: Receiver<()>,
    }

    impl Hanging {
        fn new() -> Hanging {
            let (let_go, hang) = unbounded();
            Hanging { let_go, hang }
        }

        fn job(&self) -> Job {
            let hang = self.hang.clone();
            Box::new(move || assert!(hang.recv().is_err()))
        }
    }

    fn about(subject: &str) -> Vec<String> {
        vec![subject.to_owned()]
    }

    fn assert_runs_in_order(workers: &Workers, count: usize) {
        let (done, result) = unbounded();
        for number in 0..count {
            let done = done.clone();
            workers.run(about("lively"), Box::new(move || done.send(number).unwrap())).unwrap();
        }
        let mut seen: Vec<_> = (0..count).map(|_| result.recv_timeout(DEADLINE).unwrap()).collect();
        // They begin in order; on several threads one may overtake another at the end.
        seen.sort_unstable();
        assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn hung_jobs_do_not_hold_up_the_others_and_are_reported_at_the_end() {
        let (gauge, workers) = office();
        let hanging = Hanging::new();
        for number in 1..MAX_WITH_A_SUBJECT {
            workers.run(about(&number.to_string()), hanging.job()).unwrap();
        }
        assert_runs_in_order(&workers, 20);
        drop(workers);
        assert!(!gauge.join(Some(timers::now() + Duration::from_millis(20))), "some hang");
        drop(hanging.let_go);
        assert!(gauge.join(Some(timers::now() + DEADLINE)));
    }

    #[test]
    fn one_dead_subject_takes_four_threads_and_no_more() {
        let (gauge, workers) = office();
        let hanging = Hanging::new();
        for _ in 0..3 * MAX_WORKERS {
            workers.run(about("dead"), hanging.job()).unwrap();
        }
        // One that has a second subject waits with the dead one, and holds up nobody.
        let both = vec!["lively".to_owned(), "dead".to_owned()];
        workers.run(both, hanging.job()).unwrap();
        assert_runs_in_order(&workers, 20);
        {
            let state = lock(&workers.0.state);
            // A lively one may still be on its way out.
            let dead = state.under_way.iter().filter(|call| call.subjects == about("dead"));
            assert_eq!(dead.count(), MAX_OF_ONE_SUBJECT);
            assert_eq!(state.queue.len(), 3 * MAX_WORKERS - MAX_OF_ONE_SUBJECT + 1);
            assert!(state.alive <= MAX_OF_ONE_SUBJECT + AT_A_TIME, "{}", state.alive);
        }
        // What nobody has begun with is not waited for.
        drop(workers);
        drop(hanging.let_go);
        assert!(gauge.join(Some(timers::now() + DEADLINE)));
    }

    #[test]
    fn there_are_never_more_threads_than_allowed_and_some_are_kept() {
        let (gauge, workers) = office();
        let hanging = Hanging::new();
        for number in 0..2 * MAX_WORKERS {
            workers.run(about(&number.to_string()), hanging.job()).unwrap();
        }
        let deadline = timers::now() + DEADLINE;
        while lock(&workers.0.state).under_way.len() < MAX_WITH_A_SUBJECT {
            assert!(timers::now() < deadline);
            std::thread::yield_now();
        }
        let (done, result) = unbounded();
        workers.run(Vec::new(), Box::new(move || done.send(()).unwrap())).unwrap();
        result.recv_timeout(DEADLINE).unwrap();
        for _ in 0..2 * AT_A_TIME {
            workers.run(Vec::new(), hanging.job()).unwrap();
        }
        while lock(&workers.0.state).under_way.len() < MAX_WORKERS {
            assert!(timers::now() < deadline);
            std::thread::yield_now();
        }
        assert_eq!(lock(&workers.0.state).alive, MAX_WORKERS);
        drop(hanging.let_go);
        assert_runs_in_order(&workers, 20);
        drop(workers);
        assert!(gauge.join(Some(timers::now() + DEADLINE)));
    }

    #[test]
    fn a_burst_of_short_jobs_needs_few_threads() {
        let (gauge, workers) = office();
        assert_runs_in_order(&workers, 1000);
        let alive = lock(&workers.0.state).alive;
        assert!(alive <= AT_A_TIME + 1, "{alive}");
        drop(workers);
        assert!(gauge.join(None));
    }

    #[test]
    fn calls_that_have_just_begun_count_and_those_that_hang_do_not() {
        let start = timers::now();
        let mut state = State::default();
        for number in 0..6 {
            let errand = Errand { subjects: about(&number.to_string()), job: Box::new(|| {}) };
            state.queue.push_back(errand);
        }
        for _ in 0..AT_A_TIME {
            assert!(matches!(state.begin(start), Begun::Call(..)));
        }
        let early = start + PATIENCE - Duration::from_nanos(1);
        let Begun::NotUntil(then) = state.begin(early) else { panic!("four are under way") };
        assert_eq!(then, start + PATIENCE);
        assert!(matches!(state.begin(then), Begun::Call(..)));
        assert!(matches!(state.begin(then), Begun::Call(..)));
        assert!(matches!(state.begin(then), Begun::Nothing));
    }

    #[test]
    fn a_panicking_job_does_not_end_its_worker() {
        let (gauge, workers) = office();
        for _ in 0..2 * AT_A_TIME {
            workers.run(Vec::new(), Box::new(|| panic!("planted"))).unwrap();
        }
        assert_runs_in_order(&workers, 1);
        drop(workers);
        assert!(gauge.join(None));
    }
}
