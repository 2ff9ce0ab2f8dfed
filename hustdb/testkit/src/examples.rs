//! The examples of a document: lines of its `sh` blocks that begin with `curl`, or with a `printf` that feeds one. What a
//! line answers stands in the comment at its end: the status, then texts that the answer contains.

use std::{net::SocketAddr, process::Command};

/// An example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example<'a> {
    /// The line without its comment.
    pub command: &'a str,
    /// Its comment.
    pub expected: &'a str,
}

/// The examples of a document; an error names a line without a comment.
pub fn examples(document: &str) -> Result<Vec<Example<'_>>, String> {
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines
        .filter(|line| line.starts_with("curl ") || line.starts_with("printf "))
        .map(|line| {
            let (command, expected) = line.rsplit_once("# ").ok_or_else(|| format!("no status: {line}"))?;
            Ok(Example { command, expected })
        })
        .collect()
}

impl Example<'_> {
    /// Runs it against `to` in place of `written`, the address in the document; an error says what it did not answer.
    pub fn run(&self, written: &str, to: SocketAddr) -> Result<(), String> {
        let command = self.command.replace(written, &to.to_string());
        if command == self.command {
            return Err(format!("not to {written}: {command}"));
        }
        let output = Command::new("sh").args(["-c", &format!("{command} -sS")]).output();
        let output = output.map_err(|error| error.to_string())?;
        let shown = String::from_utf8_lossy(&output.stdout);
        if !output.stderr.is_empty() {
            return Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let mut parts = self.expected.split(", ");
        if shown.split(' ').nth(1) != parts.next() {
            return Err(format!("{command}\n{shown}"));
        }
        match parts.find(|part| !shown.to_lowercase().contains(&part.to_lowercase())) {
            Some(part) => Err(format!("{command}: {part} in\n{shown}")),
            None => Ok(()),
        }
    }
}
