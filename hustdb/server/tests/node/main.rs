//! The contract of a node, row by row, against real processes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails, and says with which seed")]

mod amounts;
mod api_doc;
mod batch;
mod cache;
mod capacity;
mod collision;
mod crash;
mod deadline;
mod debts;
mod expiry;
mod export;
mod gate;
mod hash;
mod kinds;
mod kv;
mod listing;
mod openapi;
mod overload;
mod parameters;
mod process;
mod queue;
mod quiet;
mod ranges;
mod replicas;
mod set;
mod skew;
mod snapshots;
mod space;
mod start;
mod starting;
mod stat;
mod stopped;
mod support;
mod table_counts;
mod tables;
mod tls;
mod transfer;
mod zset;
