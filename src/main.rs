//! Arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

use floe_tui::{app, cli};

fn main() -> ExitCode {
    let args = match cli::parse() {
        Ok(args) => args,
        Err(code) => return ExitCode::from(code),
    };
    if let Some(command) = args.command {
        return ExitCode::from(cli::run(command, args.global));
    }
    let options = app::Options {
        dir: args.dir.unwrap_or_else(|| ".".into()),
        kubeconfig: args.global.kubeconfig,
        helm: args.global.helm,
        theme: args.global.theme,
        config: args.global.config,
        read_only: args.global.read_only,
    };
    ExitCode::from(cli::open(app::open(options)))
}
