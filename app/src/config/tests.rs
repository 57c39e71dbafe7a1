//! What an operator can decide is a contract.

use clap::{Command, CommandFactory, Parser};
use expect_test::expect_file;

use super::{Cli, Role};

/// The help of every command, one after another. Accept a change with
/// `UPDATE_EXPECT=1 cargo test -p app`.
#[test]
fn the_manual() {
    let mut manual = String::new();
    let mut cli = Cli::command().version("VERSION");
    cli.build();
    write_help(&mut cli, &mut manual);
    expect_file!["help.txt"].assert_eq(&manual);
}

fn write_help(command: &mut Command, manual: &mut String) {
    let shown = command.clone().mut_args(|it| it.hide_env_values(true));
    let help = shown.term_width(100).render_long_help().to_string();
    let name = command.get_bin_name().unwrap_or("greffe");
    manual.extend(["$ ", name, " --help\n", &help, "\n"]);
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in names.iter().filter(|it| *it != "help") {
        if let Some(inner) = command.find_subcommand_mut(name) {
            write_help(inner, manual);
        }
    }
}

#[test]
fn what_is_said_twice_or_not_at_all_is_refused() {
    Cli::command().debug_assert();
    assert!(Cli::try_parse_from(["greffe"]).is_err());
    assert!(Cli::try_parse_from(["greffe", "token", "create", "ocr"]).is_err());
}

#[test]
fn a_secret_is_not_shown_by_the_manual() {
    let mut cli = Cli::command();
    let serve = cli.find_subcommand_mut("serve").unwrap();
    for argument in serve.get_arguments() {
        let name = argument.get_id().as_str();
        let secret =
            ["database_url", "admin_password", "metrics_token", "smtp_url"].contains(&name);
        assert!(!secret || argument.is_hide_env_values_set(), "{name}");
    }
}

#[test]
fn serving_with_no_configuration_does_everything() {
    let Role::Serve(serve) = Cli::try_parse_from(["greffe", "serve"]).unwrap().role else {
        panic!("it does not serve")
    };
    assert_eq!(serve.roles.len(), 4);
    assert_eq!(serve.listen.to_string(), "127.0.0.1:8000");
}
