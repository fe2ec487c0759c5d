//! Members to be woken, as text.

use crate::key_pool::MemberId;

/// ` 12 34 `: every number between blanks, so that one is found by its text. Empty: nobody.
pub(super) fn list(members: &[MemberId]) -> String {
    let mut list = String::with_capacity(members.len() * 18);
    for member in members {
        list.push(' ');
        list.push_str(&member.0.to_string());
    }
    if !list.is_empty() {
        list.push(' ');
    }
    list
}

/// Whether a list names a member.
pub(super) fn names(list: &str, member: MemberId) -> bool {
    list.contains(&format!(" {} ", member.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_members_and_no_part_of_a_number() {
        let both = list(&[MemberId(12), MemberId(345)]);
        assert!(names(&both, MemberId(12)) && names(&both, MemberId(345)));
        assert!([1, 2, 34, 45, 1234].iter().all(|other| !names(&both, MemberId(*other))));
        assert_eq!(list(&[]), "");
    }
}
