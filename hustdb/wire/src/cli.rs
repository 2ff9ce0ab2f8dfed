//! What the command lines of all server programs share: arguments, exit statuses, the line on stdout.

use std::{fmt, io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{ArgAction, Args};

use crate::{
    config::{Config, Invalid, load},
    server::StartError,
};

/// The arguments of every server program; flatten them into the program's own, with `disable_version_flag`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key; wins over the file; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Address and port to listen on; wins over server.listen
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Check the configuration and exit
    #[arg(long)]
    pub check: bool,
    /// Print the version
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
}

impl ServerArgs {
    /// Reads the configuration these arguments ask for.
    pub fn load<C: Config>(&self) -> Result<C, Invalid> {
        let mut overrides = self.set.clone();
        overrides.extend(self.listen.iter().map(|listen| format!("server.listen={listen}")));
        let Some(file) = &self.config else { return load("", &overrides) };
        let text = std::fs::read_to_string(file)
            .map_err(|cause| Invalid::new(format!("{}: {cause}", file.display())))?;
        load(&text, &overrides).map_err(|invalid| Invalid::new(format!("{}: {invalid}", file.display())))
    }

    /// Reads the configuration again, for SIGHUP, and has `apply` put into force what may change while the program
    /// runs. Says in the log what became of it.
    pub fn reload<C: Config>(&self, apply: impl FnOnce(C) -> Result<(), Invalid>) {
        match self.load().and_then(apply) {
            Ok(()) => tracing::info!("configuration read again"),
            Err(invalid) => tracing::error!("configuration not read again: {invalid}"),
        }
    }
}

/// Why a program ends without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The configuration is wrong: exit status 2.
    Config(String),
    /// Anything else: exit status 1.
    Other(String),
}

impl Failure {
    /// Anything but the configuration.
    pub fn other(cause: impl fmt::Display) -> Failure {
        Failure::Other(cause.to_string())
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Failure {
        Failure::Config(invalid.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        match error {
            StartError::Config(invalid) => invalid.into(),
            StartError::Io { .. } => Failure::Other(error.to_string()),
        }
    }
}

/// Runs a program to its exit status; a failure is one line on stderr.
pub fn exit(name: &str, run: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let (status, line) = match run() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Config(line)) => (2, line),
        Err(Failure::Other(line)) => (1, line),
    };
    // With stderr gone the exit status has to say it.
    let _ = writeln!(std::io::stderr(), "{name}: {line}");
    ExitCode::from(status)
}

/// Says on stdout that the program serves: its one line there.
pub fn announce(name: &str, address: SocketAddr) {
    let mut out = std::io::stdout();
    // Nobody may be reading; the program serves all the same.
    let _ = writeln!(out, "{name} listening on {address}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, error::ErrorKind};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "hustdb", version = "1.2.3", disable_version_flag = true)]
    struct Program {
        #[command(flatten)]
        server: ServerArgs,
    }

    #[test]
    fn reads_the_shared_arguments() {
        Program::command().debug_assert();
        let line = [
            "hustdb", "--config", "a.toml", "--set", "a.b=1", "--set", "c.d=2", "--listen", "[::1]:0",
            "--check",
        ];
        let args = Program::try_parse_from(line).unwrap().server;
        assert_eq!((args.set.len(), args.check), (2, true));
        assert_eq!(args.listen.as_deref(), Some("[::1]:0"));
        for flag in ["-v", "--version"] {
            let shown = Program::try_parse_from(["hustdb", flag]).unwrap_err();
            assert_eq!((shown.kind(), shown.to_string().trim()), (ErrorKind::DisplayVersion, "hustdb 1.2.3"));
        }
        assert_eq!(Program::try_parse_from(["hustdb", "--nothing"]).unwrap_err().exit_code(), 2);
    }
}
