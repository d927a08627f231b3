//! Channels over which people are told: chat, signed webhook, push, mail.
//!
//! Promises: nothing is sent past the breaker; every try ends in bounded time; an address that is a secret, a key and a
//! password are in no error; what is carried is escaped for its format. `Told` is the other side's word, nothing else.

mod http;
pub mod mail;
pub mod ntfy;
pub mod slack;
pub mod webhook;
