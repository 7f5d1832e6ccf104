//! What would be lost if the library forgot something: each fault is found.

use crate::fault::Fault;
use crate::forms::mixed;
use crate::model::finds;
use crate::waking::*;
use crate::{mail, question};

const COUNT: usize = 2000;
/// Somebody sleeps for ever.
const SLEEPS: &str = "deadlock";

#[test]
fn a_debt_that_is_forgotten_at_settling_is_found() {
    finds(Fault::DebtIsForgottenAtSettling, SLEEPS, COUNT, held_before_a_listener);
    finds(Fault::DebtIsForgottenAtSettling, SLEEPS, COUNT, held_before_a_completion);
}

#[test]
fn a_debt_that_is_forgotten_at_giving_up_is_found() {
    finds(Fault::DebtIsForgottenAtGivingUp, SLEEPS, COUNT, polled_and_called_back);
}

#[test]
fn a_lead_that_stays_with_a_held_read_is_found() {
    finds(Fault::LeadStaysWithTheRead, SLEEPS, COUNT, held_before_a_callback);
    finds(Fault::LeadStaysWithTheRead, SLEEPS, COUNT, held_before_a_listener);
    finds(Fault::LeadStaysWithTheRead, SLEEPS, COUNT, held_before_a_completion);
}

#[test]
fn a_waker_that_is_dropped_at_settling_is_found() {
    finds(Fault::WakerIsDroppedAtSettling, SLEEPS, COUNT, awaited_beside_a_listener);
}

#[test]
fn a_sleeper_who_is_not_woken_is_found() {
    finds(Fault::SleeperIsForgotten, SLEEPS, COUNT, awaited_by_two);
}

#[test]
fn a_second_poll_that_leaves_no_waker_is_found() {
    finds(Fault::OnlyTheFirstPollCounts, SLEEPS, COUNT, polled_here_and_awaited_there);
}

#[test]
fn a_driver_whom_only_the_socket_wakes_is_found() {
    finds(Fault::OnlyTheSocketWakesTheDriver, SLEEPS, COUNT, limit_alone);
    finds(Fault::OnlyTheSocketWakesTheDriver, SLEEPS, COUNT, held_before_a_listener);
    finds(Fault::OnlyTheSocketWakesTheDriver, SLEEPS, COUNT, polled_and_called_back);
    finds(Fault::OnlyTheSocketWakesTheDriver, SLEEPS, COUNT, abandoned);
}

#[test]
fn most_of_them_are_found_in_a_mix_of_forms_too() {
    for fault in [
        Fault::LeadStaysWithTheRead,
        Fault::WakerIsDroppedAtSettling,
        Fault::SleeperIsForgotten,
        Fault::OnlyTheFirstPollCounts,
        Fault::OnlyTheSocketWakesTheDriver,
    ] {
        finds(fault, SLEEPS, COUNT, mixed);
    }
}

#[test]
fn a_waker_that_is_dropped_under_the_lock_is_found() {
    let words = "a waker was dropped under a lock";
    finds(Fault::WakerIsDroppedUnderTheLock, words, COUNT, polled_and_called_back);
}

#[test]
fn notices_that_are_lost_are_found() {
    finds(Fault::NoticesAreLost, SLEEPS, COUNT, question::answered);
}

#[test]
fn a_mailbox_that_leaves_no_word_is_found() {
    finds(Fault::FlagIsNotRaised, SLEEPS, COUNT, mail::put_by_one_and_kicked_by_another);
}
