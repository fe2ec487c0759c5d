//! Which passwords people may choose.

mod blocked;
mod context;
mod keyboard;
mod pattern;

use unicode_normalization::UnicodeNormalization;

use crate::secret::Secret;

pub use context::PasswordContext;

/// Bytes that a password may have at most. It leaves room for 64 characters of any kind, many times over.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// What a new password must be like: long enough, and not among the first that others would try. There are no rules of
/// composition and no forced changes (NIST SP 800-63B-4, ASVS 5.0 6.2).
///
/// Characters are code points of the NFKC form, or of what was typed if these are fewer. A password is refused too if
/// at most half of the minimum remains of it without known words and runs such as `12345`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    minimum: usize,
}

impl PasswordPolicy {
    /// For operators of a service: 15 characters, since nothing but the password protects them.
    pub const OPERATORS: Self = Self { minimum: 15 };

    /// For users, unless the service asks for more: 8 characters.
    pub const USERS: Self = Self { minimum: 8 };

    /// A policy with another minimum: 8 to 64 characters.
    ///
    /// # Errors
    ///
    /// [`InvalidMinimum`].
    pub fn with_minimum(minimum: usize) -> Result<Self, InvalidMinimum> {
        (8..=64).contains(&minimum).then_some(Self { minimum }).ok_or(InvalidMinimum)
    }

    /// Characters that a password needs.
    pub fn minimum(&self) -> usize {
        self.minimum
    }

    /// Whether somebody may take this password.
    ///
    /// # Errors
    ///
    /// The first reason why not.
    pub fn check(&self, password: &Secret<String>, context: &PasswordContext<'_>) -> Result<(), PasswordRefused> {
        let typed = password.expose();
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordRefused::TooLong { maximum: MAX_PASSWORD_BYTES });
        }
        let normal: String = typed.nfkc().collect();
        if normal.chars().count().min(typed.chars().count()) < self.minimum {
            return Err(PasswordRefused::TooShort { minimum: self.minimum });
        }
        self.guessable(&keyboard::fold(&normal), context)
    }

    /// Refuses a folded password that would be tried soon.
    fn guessable(&self, folded: &str, context: &PasswordContext<'_>) -> Result<(), PasswordRefused> {
        if blocked::common(folded) {
            return Err(PasswordRefused::Common);
        }
        if let Some(unit) = pattern::repeated(folded) {
            // Writing it twice makes nothing of it, so it has to do alone.
            let enough = unit.chars().count() >= self.minimum;
            return if enough { self.guessable(&unit, context) } else { Err(PasswordRefused::Monotonous) };
        }
        let own = context.taken_from(folded);
        if pattern::without_runs(&own).chars().count() > self.minimum / 2 {
            return Ok(());
        }
        Err(if own == folded { PasswordRefused::Monotonous } else { PasswordRefused::Context })
    }
}

/// Why a password is not taken. The doors say it in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefused {
    /// Too few characters.
    #[error("the password needs at least {minimum} characters")]
    TooShort {
        /// How many it needs.
        minimum: usize,
    },
    /// Too many bytes.
    #[error("the password may have at most {maximum} bytes")]
    TooLong {
        /// How many it may have.
        maximum: usize,
    },
    /// Among the first that attackers try.
    #[error("the password is among the most common ones")]
    Common,
    /// The same again and again, or characters in their order.
    #[error("the password repeats itself or counts up or down")]
    Monotonous,
    /// Little more than the name of the user, the service or the tenant, or a word that everybody would try.
    #[error("the password is little more than a name or word that others know")]
    Context,
}

/// A service asked for a minimum that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the minimum length of passwords is 8 to 64 characters")]
pub struct InvalidMinimum;

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: PasswordContext<'_> = PasswordContext {
        login: Some("alice.kim"),
        email: Some("a.kim99@hallym.ac.kr"),
        name: Some("김앨리스"),
        service: Some("llm-chatbot"),
        tenant: Some("hallym_univ"),
        tenant_name: Some("한림대학교"),
    };

    fn users(password: &str) -> Result<(), PasswordRefused> {
        PasswordPolicy::USERS.check(&Secret::from(password), &ALICE)
    }

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        let short = Err(PasswordRefused::TooShort { minimum: 8 });
        assert_eq!(users("k7#Qz!p"), short);
        assert_eq!(users("k7#Qz!pX"), Ok(()));
        assert_eq!(users("푸른밤의고양이"), short);
        assert_eq!(users("푸른 밤의 고양이"), Ok(()));
        // Seven syllables stay seven when a keyboard sends their letters apart, and one sign stays one.
        let letters: String = "푸른밤의고양이".nfd().collect();
        assert!(letters.chars().count() > 8);
        assert_eq!(users(&letters), short);
        assert_eq!(users("\u{fdfa}"), short);
        let operators = |password: &str| PasswordPolicy::OPERATORS.check(&Secret::from(password), &ALICE);
        assert_eq!(operators("k7#Qz!pXw2$Lmn"), Err(PasswordRefused::TooShort { minimum: 15 }));
        assert_eq!(operators("k7#Qz!pXw2$Lmno"), Ok(()));
        // 64 of the widest characters, and all that 1,024 bytes hold.
        let wide = |count: u32| (0..count).filter_map(|index| char::from_u32(0x2_0000 + index * 7)).collect::<String>();
        assert_eq!(users(&wide(64)), Ok(()));
        assert_eq!(users(&wide(256)), Ok(()));
        assert_eq!(users(&wide(257)), Err(PasswordRefused::TooLong { maximum: 1_024 }));
    }

    #[test]
    fn no_rule_of_composition_stands_in_the_way() {
        for good in
            ["onlysmallletters", "8203957116", "    spaces all over    ", "ÖÄÜßñçøå", "correct horse battery staple"]
        {
            assert_eq!(users(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_others_would_try_first_is_refused() {
        for (password, why) in [
            ("Football1", PasswordRefused::Common),
            ("1Q2W3E4R!", PasswordRefused::Common),
            ("tkfkdgody", PasswordRefused::Common),
            ("사랑해요사랑해요", PasswordRefused::Common),
            ("안녕하세요", PasswordRefused::TooShort { minimum: 8 }),
            ("안녕하세요!!!", PasswordRefused::Context),
            ("dkssudgktpdy!!", PasswordRefused::Context),
            ("비밀번호1234", PasswordRefused::Context),
            ("ㅔㅁㄴㄴ재ㄱㅇ", PasswordRefused::TooShort { minimum: 8 }),
            ("ㅔㅁㄴㄴ재ㄱㅇ2031", PasswordRefused::Context),
            ("Pässwörd", PasswordRefused::Common),
            ("aaaaaaaaaaaa", PasswordRefused::Monotonous),
            ("xk7xk7xk7xk7", PasswordRefused::Monotonous),
            ("hijklmnop", PasswordRefused::Monotonous),
            ("zxcvbnmasdf", PasswordRefused::Monotonous),
            ("alice.kim", PasswordRefused::Context),
            ("Alice1234", PasswordRefused::Context),
            ("a.kim99!!", PasswordRefused::Context),
            ("A.KIM99@HALLYM.AC.KR", PasswordRefused::Context),
            ("llm-chatbot1", PasswordRefused::Context),
            ("hallym2024", PasswordRefused::Context),
            ("한림대학교2024", PasswordRefused::Context),
            ("gksflaeogkrry", PasswordRefused::Context),
        ] {
            assert_eq!(users(password), Err(why), "{password}");
        }
    }

    #[test]
    fn a_word_inside_a_good_password_does_no_harm() {
        for good in ["alice likes rainy trains", "hallym, seven herons", "비밀번호는 달과 여섯 번째 강"] {
            assert_eq!(users(good), Ok(()), "{good}");
        }
        // Without the context the same password is good: the refusals above come from it.
        let stranger = PasswordPolicy::USERS.check(&Secret::from("llm-chatbot1"), &PasswordContext::default());
        assert_eq!(stranger, Ok(()));
        // What is good once is good twice.
        assert_eq!(users("seven herons, seven herons, "), Ok(()));
    }

    #[test]
    fn a_service_may_ask_for_more_and_not_for_less() {
        assert_eq!(PasswordPolicy::with_minimum(8), Ok(PasswordPolicy::USERS));
        assert_eq!(PasswordPolicy::with_minimum(64).map(|policy| policy.minimum()), Ok(64));
        assert_eq!(PasswordPolicy::with_minimum(7), Err(InvalidMinimum));
        assert_eq!(PasswordPolicy::with_minimum(65), Err(InvalidMinimum));
    }
}
