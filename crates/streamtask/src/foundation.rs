//! From Foundation to here: every member that concerns streams, by Foundation's name.
//!
//! Swift's `async` methods and Objective-C's completion handlers are one thing here: a call returns an
//! [`Operation`], to be awaited, waited for, or given a callback. Where Foundation raises an exception there is
//! a `Result`. What is not there yet says so.
//!
//! # `URLSessionStreamTask`
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `readData(ofMinLength:maxLength:timeout:)` | [`StreamTask::read_data`] | A range of lengths. `atEOF` comes only with less than the minimum. A read that is dropped loses nothing; one that times out leaves its bytes. |
//! | | [`StreamTask::read_exact`], [`StreamTask::read_until`] | So many bytes, or a line, or an error. |
//! | `write(_:timeout:)` | [`StreamTask::write`] | |
//! | `closeRead()` | [`StreamTask::close_read`] | |
//! | `closeWrite()` | [`StreamTask::close_write`] | Reads do not hold it up, so that clients can keep one. |
//! | | [`StreamTask::close`] | Both. |
//! | `startSecureConnection()` | [`StreamTask::start_secure_connection`], [`StreamTask::start_secure_connection_with`] | It has a result: what was agreed on. Names and protocols (ALPN) can be chosen. Clear text that lies unread fails the task: it may have been injected. |
//! | `stopSecureConnection()` | [`StreamTask::stop_secure_connection`] | It works. Apple's does nothing; [`Configuration::stop_secure_is_noop`] has that. |
//! | `captureStreams()` | [`StreamTask::capture_streams`] | The streams are the result, and go to the delegate if nobody wants it. They are open. Bytes that were received come first; Apple's loses them. |
//!
//! # `URLSessionTask`
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `taskIdentifier` | [`StreamTask::identifier`] | From 1 on. |
//! | `taskDescription` | [`StreamTask::description`], [`StreamTask::set_description`] | |
//! | `state` | [`StreamTask::state`] | |
//! | `error` | [`StreamTask::error`] | [`StreamTask::completion`] awaits it. |
//! | `resume()`, `suspend()` | [`StreamTask::resume`], [`StreamTask::suspend`] | They nest. Suspending keeps the connection and stops the clocks. |
//! | `cancel()` | [`StreamTask::cancel`] | |
//! | `priority` | [`StreamTask::priority`], [`StreamTask::set_priority`] | Kept, and nothing is done about it yet. |
//! | `progress` | [`StreamTask::progress`] | Of unknown length until it ends. |
//! | `delegate` | [`StreamTask::delegate`], [`StreamTask::set_delegate`] | |
//! | `countOfBytesSent`, `countOfBytesReceived` | [`StreamTask::bytes_sent`], [`StreamTask::bytes_received`] | Bytes of the application. |
//! | `countOfBytesExpectedToSend`, `…ToReceive`, `countOfBytesClientExpects…` | none | A stream expects no number of bytes. |
//! | `earliestBeginDate` | [`StreamTask::earliest_begin_date`], [`StreamTask::set_earliest_begin_date`] | Kept; it concerns background sessions, of which there are none. |
//! | `originalRequest`, `currentRequest`, `response` | not yet | They come with streams out of an HTTP Upgrade. |
//! | `prefersIncrementalDelivery` | none | It concerns bodies. |
//! | | [`StreamTask::host`], [`StreamTask::port`], [`StreamTask::local_address`], [`StreamTask::remote_address`], [`StreamTask::tls_info`], [`StreamTask::is_secure`], [`StreamTask::events`] | What Foundation keeps to itself. |
//!
//! # `URLSession`
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `init(configuration:)` | [`Session::new`] | |
//! | `init(configuration:delegate:delegateQueue:)` | [`Session::with_delegate`] | |
//! | `shared` | [`Session::shared`] | |
//! | `streamTask(withHostName:port:)` | [`Session::stream_task`] | [`Session::connect`] resumes it, too. |
//! | `streamTask(with: NetService)` | not yet | |
//! | `dataTask(with:)` and `becomeStream` | not yet | |
//! | `allTasks`, `getAllTasks` | [`Session::all_tasks`], [`Session::task`] | |
//! | `finishTasksAndInvalidate()`, `invalidateAndCancel()` | [`Session::finish_tasks_and_invalidate`], [`Session::invalidate_and_cancel`] | Making a task afterwards is an error instead of an exception. |
//! | `reset(completionHandler:)`, `flush(completionHandler:)` | [`Session::reset`], [`Session::flush`] | There is nothing to forget or to write yet. |
//! | `configuration`, `delegate`, `delegateQueue`, `sessionDescription` | [`Session::configuration`], [`Session::delegate`], [`Session::delegate_queue`], [`Session::description`] | |
//! | | [`Session::finished`], [`Session::lingering`] | How a program ends without losing what was written. |
//!
//! # `URLSessionConfiguration`
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `timeoutIntervalForRequest` | [`Configuration::timeout_for_request`] | Of connecting, and of each start and stop of TLS; idle streams live on. |
//! | `timeoutIntervalForResource` | [`Configuration::timeout_for_resource`] | |
//! | `tlsMinimumSupportedProtocolVersion`, `tlsMaximum…` | [`Configuration::tls_minimum`], [`Configuration::tls_maximum`] | TLS 1.2 and 1.3. |
//! | `connectionProxyDictionary` | [`Configuration::proxy`] | Proxies are named in the program or [taken from the environment](Configuration::proxies_from_environment); the system is not asked yet. `ExceptionsList` is [`Configuration::no_proxy`]. |
//! | `waitsForConnectivity`, `allowsCellularAccess`, `allowsExpensiveNetworkAccess`, `allowsConstrainedNetworkAccess`, `networkServiceType`, `multipathServiceType`, `requiresDNSSECValidation` | not yet | |
//! | what concerns HTTP: caches, cookies, headers, redirects | none | |
//! | | [`Configuration::roots`], [`Configuration::pin`], [`Configuration::identity`], [`Configuration::alpn`], [`Configuration::key_log`], [`Configuration::linger`], [`Configuration::unread_clear_text`], [`Configuration::tolerate_truncation`], [`Configuration::strict_barriers`], [`Configuration::timeout_is_fatal`] | |
//!
//! # The delegates
//!
//! One trait, [`SessionDelegate`], for all of them.
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `urlSession(_:didBecomeInvalidWithError:)` | [`SessionDelegate::did_become_invalid`] | |
//! | `urlSession(_:didReceive:completionHandler:)` | [`SessionDelegate::did_receive_challenge`] | The challenge is handed over by value: keep it and answer it at any time, or hand it back. |
//! | `urlSession(_:task:didReceive:completionHandler:)` | [`SessionDelegate::task_did_receive_challenge`] | |
//! | `urlSession(_:didCreateTask:)` | [`SessionDelegate::did_create_task`] | |
//! | `urlSession(_:task:didCompleteWithError:)` | [`SessionDelegate::did_complete`] | |
//! | `urlSession(_:readClosedFor:)`, `urlSession(_:writeClosedFor:)` | [`SessionDelegate::read_closed`], [`SessionDelegate::write_closed`] | |
//! | `urlSession(_:streamTask:didBecome:outputStream:)` | [`SessionDelegate::did_become_streams`] | Only if nobody wants the result of the call. |
//! | `urlSession(_:taskIsWaitingForConnectivity:)`, `urlSession(_:betterRouteDiscoveredFor:)`, `urlSession(_:task:didFinishCollecting:)` | [`SessionDelegate::task_is_waiting_for_connectivity`], [`SessionDelegate::better_route_discovered`], [`SessionDelegate::did_finish_collecting_metrics`] | Not sent yet. |
//! | | [`SessionDelegate::did_happen`] | Everything, in order. |
//!
//! # Challenges
//!
//! | Foundation | here | what differs |
//! | --- | --- | --- |
//! | `URLAuthenticationChallenge` | [`Challenge`] | Dropping it cancels the task. |
//! | `proposedCredential`, `previousFailureCount`, `failureResponse` | none | TLS asks once; they come with proxies that ask for passwords. |
//! | `URLProtectionSpace` | [`ProtectionSpace`] | `host`, `port` and the method; `realm`, `isProxy` and their like come with proxies. |
//! | `serverTrust` | [`ServerTrust`] | The chain, its hashes, and what default handling makes of it. |
//! | `distinguishedNames` | [`AuthenticationMethod::ClientCertificate`] | |
//! | `URLCredential` | [`Credential`] | |
//! | `AuthChallengeDisposition` | [`Disposition`], and a method of [`Challenge`] for each | A refusal can have a reason: [`Challenge::reject`]. |

#[allow(unused_imports)] // for the links
use crate::{
    AuthenticationMethod, Challenge, Configuration, Credential, Disposition, Operation,
    ProtectionSpace, ServerTrust, Session, SessionDelegate, StreamTask,
};
