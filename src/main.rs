//! Arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let mut args = std::env::args().skip(1);
    let mut options = floe_tui::app::Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--kubeconfig" => options.kubeconfig = args.next().map(Into::into),
            "--helm" => options.helm = args.next().map(Into::into),
            "--theme" => options.theme = args.next(),
            "__supervise" => {
                let folder = args.next().unwrap_or_default();
                let done = floe_tui::operations::supervisor::supervise(folder.as_ref());
                return if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            }
            dir => options.dir = dir.into(),
        }
    }
    match runtime.block_on(floe_tui::app::open(options)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
