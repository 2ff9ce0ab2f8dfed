//! Clients that wait: long polls, push queues and calls.

mod catch_up;
mod drain;
mod evget;
mod evsub;
mod failure;
mod inline;
mod many;
mod publish;
mod rpc;
mod split;
mod wake;
