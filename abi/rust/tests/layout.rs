//! Asks the C compiler for each size, offset and number that src/sys.rs writes by hand.
use ruststream_plugin::sys;
use std::{env, fs, path::Path, process::Command};

#[test]
fn structs_and_numbers_are_those_of_the_header() {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let folder = env::temp_dir().join(format!("ruststream-layout.{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));

    let mut text = String::from("#include <ruststream/abi.h>\n#include <stdio.h>\nint main(void) {\n");
    let mut expected = String::new();
    for (name, size, fields) in sys::layouts() {
        text += &format!("printf(\"{name} %zu\\n\", sizeof({name}));\n");
        expected += &format!("{name} {size}\n");
        for (field, offset) in fields {
            let field = field.trim_start_matches("r#");
            text += &format!("printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));\n");
            expected += &format!("{name}.{field} {offset}\n");
        }
    }
    for (name, value) in sys::numbers() {
        text += &format!("printf(\"{name} %lld\\n\", (long long){name});\n");
        expected += &format!("{name} {value}\n");
    }
    fs::write(&source, text + "}\n").unwrap();

    let cc = env::var("CC").unwrap_or_else(|_| "cc".into());
    let built = Command::new(cc).args(["-std=c11", "-I"]).arg(include).arg(&source).arg("-o").arg(&program).status();
    assert!(built.expect("a C compiler, or the one that CC names").success());
    let said = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    for (ours, theirs) in expected.lines().zip(said.lines()) {
        assert_eq!(ours, theirs, "src/sys.rs says the first, the header the second");
    }
    assert_eq!(expected.lines().count(), said.lines().count());
}
