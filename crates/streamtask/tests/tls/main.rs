//! TLS in place over real sockets: the whole life in one go, and the streams that come out of it.

mod capture;
mod counterparts;
mod doors;
mod ends;
mod examples;
mod identity;
mod injection;
mod manners;
mod million;
mod names;
mod options;
mod overruled;
mod pins;
mod questions;
mod resumption;
mod roots;
mod routing;
mod stop;
mod support;
mod truncation;
mod trust;
