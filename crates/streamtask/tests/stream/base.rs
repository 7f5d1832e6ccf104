//! What every task has: identity, labels, numbers, addresses.

use std::collections::HashSet;
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use streamtask::{
    Challenge, Completion, Configuration, DelegateQueue, Duplex, Error, ErrorKind, Events,
    InputStream, Operation, OutputStream, Priority, Progress, ReadData, Session, StreamTask,
    TaskState, TlsInfo,
};
use streamtask_testkit::{echo, half_closer, silent};

use crate::support::*;

const fn is_send_and_sync<T: Send + Sync + 'static>() {}

const _: () = {
    is_send_and_sync::<StreamTask>();
    is_send_and_sync::<Session>();
    is_send_and_sync::<Configuration>();
    is_send_and_sync::<DelegateQueue>();
    is_send_and_sync::<Operation<()>>();
    is_send_and_sync::<Operation<ReadData>>();
    is_send_and_sync::<Operation<TlsInfo>>();
    is_send_and_sync::<Operation<(InputStream, OutputStream)>>();
    is_send_and_sync::<Completion>();
    is_send_and_sync::<Events>();
    is_send_and_sync::<Progress>();
    is_send_and_sync::<Challenge>();
    is_send_and_sync::<Duplex>();
    is_send_and_sync::<Error>();
};

#[test]
#[expect(clippy::mutable_key_type, reason = "what is hashed, the identity, does not change")]
fn clones_are_the_same_task_and_others_are_not() {
    let server = silent();
    let session = session();
    let (one, other) = (task_in(&session, &server), task_in(&session, &server));
    let clone = one.clone();
    assert_eq!(one, clone);
    assert_ne!(one, other);
    assert_ne!(one, task_in(&crate::support::session(), &server));
    let set = HashSet::from([one.clone(), clone.clone(), other.clone()]);
    assert_eq!(set.len(), 2);
    clone.cancel();
    assert_ne!(one.state(), TaskState::Suspended);
    assert!(set.contains(&one), "its hash is that of its identity");
    assert_eq!(other.state(), TaskState::Suspended);
}

#[test]
fn a_task_describes_itself() {
    let task = session().stream_task("[::1]", 4321).unwrap();
    assert_eq!((task.host(), task.port()), (Some("::1"), Some(4321)));
    assert_eq!(task.description(), None);
    task.set_description("inbox");
    assert_eq!(task.clone().description().as_deref(), Some("inbox"));
    let shown = task.to_string();
    assert!(shown.contains("[::1]:4321") && shown.contains("suspended"), "{shown}");
    let debugged = format!("{task:?}");
    for part in ["identifier: 1", "4321", "Suspended", "inbox"] {
        assert!(debugged.contains(part), "{part} in {debugged}");
    }
}

#[test]
fn priorities_are_hints_between_zero_and_one() {
    let task = task_in(&session(), &silent());
    assert_eq!(task.priority(), Priority::DEFAULT);
    let numbers = [Priority::LOW, Priority::DEFAULT, Priority::HIGH].map(Priority::value);
    assert_eq!(numbers, [0.25, 0.5, 0.75]);
    let cases =
        [(0.3, 0.3), (-1.0, 0.0), (7.0, 1.0), (f32::INFINITY, 1.0), (f32::NAN, 0.5), (1.0, 1.0)];
    for (given, kept) in cases {
        task.set_priority(Priority::new(given));
        assert_eq!(task.priority().value(), kept, "{given}");
    }
    assert!(Priority::LOW < Priority::HIGH);
}

#[tokio::test]
async fn progress_is_indeterminate_until_the_end() {
    let server = half_closer();
    let task = resumed(&server);
    let progress = task.progress();
    done(task.write("four", GUARD)).await;
    assert_eq!((progress.completed_unit_count(), progress.total_unit_count()), (4, -1));
    assert!(progress.is_indeterminate() && !progress.is_finished());
    task.close_write();
    assert_eq!(done(task.read_data(5..=5, GUARD)).await.data, "four");
    done(task.completion()).await;
    assert_eq!((progress.completed_unit_count(), progress.total_unit_count()), (8, 8));
    assert!(progress.is_finished() && !progress.is_indeterminate());
}

#[tokio::test]
async fn progress_pauses_resumes_and_cancels_its_task() {
    let server = echo();
    let task = resumed(&server);
    let progress = task.progress();
    progress.pause();
    assert_eq!(task.state(), TaskState::Suspended);
    progress.resume();
    assert_eq!(task.state(), TaskState::Running);
    done(task.write("x", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
    progress.clone().cancel();
    assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
}

#[tokio::test]
async fn bytes_are_counted_when_the_system_took_them_and_when_reads_brought_them() {
    let server = echo();
    let task = task_in(&session(), &server);
    let write = task.write("hello", GUARD);
    assert_eq!((task.bytes_sent(), task.bytes_received()), (0, 0));
    task.resume();
    done(write).await;
    assert_eq!(task.bytes_sent(), 5);
    done(task.read_exact(2, GUARD)).await;
    assert_eq!(task.bytes_received(), 2);
    done(task.read_exact(3, GUARD)).await;
    task.cancel();
    assert_eq!((task.bytes_sent(), task.bytes_received()), (5, 5));
}

#[tokio::test]
async fn the_error_of_a_task_is_the_one_that_was_delivered() {
    let task = resumed(&silent());
    assert!(task.error().is_none());
    let read = task.read_exact(1, GUARD);
    task.cancel();
    let delivered = soon(read).await.expect_err("it was cancelled");
    let ended = soon(task.completion()).await.expect_err("it was cancelled");
    let kept = task.error().expect("it failed");
    assert_eq!((delivered.kind(), ended.kind()), (kept.kind(), kept.kind()));
    assert_eq!(delivered.endpoint(), kept.endpoint());
    assert!(format!("{task:#?}").contains("Cancelled"));
}

#[tokio::test]
async fn addresses_are_known_once_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let task = session().stream_task("localhost", address.port()).unwrap();
    assert_eq!((task.local_address(), task.remote_address()), (None, None));
    task.resume();
    done(task.write("", GUARD)).await;
    let (_kept, peer) = listener.accept().unwrap();
    assert_eq!((task.local_address(), task.remote_address()), (Some(peer), Some(address)));
    assert_eq!(task.host(), Some("localhost"));
    assert!(!task.is_secure() && task.tls_info().is_none());
}

#[test]
fn what_belongs_to_requests_is_none() {
    let task = task_in(&session(), &silent());
    assert_eq!(task.earliest_begin_date(), None);
    let later = SystemTime::now() + Duration::from_secs(3600);
    task.set_earliest_begin_date(Some(later));
    assert_eq!(task.earliest_begin_date(), Some(later));
    task.set_earliest_begin_date(None);
    assert_eq!(task.earliest_begin_date(), None);
}

#[tokio::test]
async fn an_earliest_date_holds_nothing_up() {
    let server = echo();
    let task = task_in(&session(), &server);
    task.set_earliest_begin_date(Some(SystemTime::now() + Duration::from_secs(3600)));
    task.resume();
    done(task.write("x", GUARD)).await;
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6s_clothes_is_dialled_as_what_it_is() {
    let server = echo();
    let task = session().connect("::ffff:127.0.0.1", server.port()).expect("a task");
    done(task.write("x", GUARD)).await;
    assert_eq!(done(task.read_exact(1, GUARD)).await.data, "x");
    let dialled = task.remote_address().expect("it is connected");
    assert_eq!(dialled.to_string(), format!("127.0.0.1:{}", server.port()));
}
