//! Long polling.

mod lines;
mod readers;
