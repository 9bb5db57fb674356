//! Builds the plugin as it is shipped, and lets ruststream-conformance judge it.
use std::path::Path;
use std::process::Command;

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

#[test]
fn keeps_the_contract() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    run(Command::new(env!("CARGO")).args(["build", "--release", "--target-dir"]).arg(target));
    run(Command::new("ruststream-conformance").arg(target.join("release/libmybroker_broker.so")).arg("--strict"));
}
