//! What a person reads off the page.

use super::Run;

#[test]
fn at_least_nine_of_ten_digits_are_read_right() {
    let read: Vec<(String, &str)> = Run::get()
        .drawings
        .iter()
        .take(10)
        .map(|drawing| (drawing.digit.to_string(), drawing.answer.class.as_str()))
        .collect();
    let right = read.iter().filter(|(drawn, shown)| drawn == shown).count();
    assert!(right >= 9, "{right} of 10 right; drawn and read: {read:?}");
}

#[test]
fn bars_are_probabilities_and_the_answer_is_the_largest() {
    for drawing in &Run::get().drawings {
        let answer = &drawing.answer;
        let classes: Vec<&str> = answer
            .bars
            .iter()
            .map(|(class, _)| class.as_str())
            .collect();
        assert_eq!(classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        let sum: f64 = answer.bars.iter().map(|(_, probability)| probability).sum();
        // Ten numbers shown with at least three decimals.
        assert!((sum - 1.0).abs() < 0.006, "{sum}");
        let largest = answer
            .bars
            .iter()
            .max_by(|left, right| left.1.total_cmp(&right.1));
        assert_eq!(largest.map(|(class, _)| class), Some(&answer.class));
    }
}

#[test]
fn keys_go_up_once_for_eleven_drawings() {
    let run = Run::get();
    let uploads = run
        .exchanges
        .iter()
        .filter(|exchange| super::opens_session(exchange))
        .count();
    assert_eq!((uploads, run.queries().len()), (1, 11));
}

#[test]
fn the_console_holds_no_errors() {
    assert_eq!(Run::get().console_errors, Vec::<String>::new());
}
