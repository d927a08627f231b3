//! Names of operating-system users, by the number that the kernel gives.
//!
//! Absent on purpose: anything that the caller says about itself.

use std::process::{Command, Stdio};

/// The user's name; `uid 1234` when nobody knows one.
#[must_use]
pub fn user_name(uid: u32) -> String {
    let local = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    find(&local, uid)
        .or_else(|| find(&directory_service(uid), uid))
        .unwrap_or_else(|| format!("uid {uid}"))
}

/// The name for a uid in the form of `/etc/passwd`.
fn find(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?.parse::<u32>().ok()?;
        (number == uid && !name.is_empty()).then(|| name.to_string())
    })
}

/// LDAP and the like answer through `getent`, where it exists.
fn directory_service(uid: u32) -> String {
    Command::new("/usr/bin/getent")
        .args(["passwd", &uid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number_only() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n1000:x:7:7::/:/bin/sh\nmira:x:1000:1000::/home/mira:/bin/sh\n";
        assert_eq!(find(passwd, 1000).as_deref(), Some("mira"));
        assert_eq!(find(passwd, 8), None);
    }

    #[test]
    fn a_number_without_a_name_is_named_by_its_number() {
        assert_eq!(user_name(4_000_000_001), "uid 4000000001");
    }
}
