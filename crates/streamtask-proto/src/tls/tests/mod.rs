//! The engine against a server of rustls, in one thread and without a socket.

mod bindings;
mod blocking;
mod ends;
mod nesting;
mod overruled;
mod support;
