//! Parts of a network, against the weights of its first layer.

use evaluator::server::models::read_network;

use crate::materials::{check, drawing, file, images, model, n12, options};

/// Root mean square of the first layer's values, squared if asked for, by the definition.
fn first_layer(count: usize, squared: bool) -> f64 {
    let network = read_network(&model()).unwrap();
    let layer = &network.layers[0];
    let (mut sum, mut values) = (0.0, 0.0);
    for number in 0..count {
        let pixels: Vec<f64> = drawing(number)
            .into_iter()
            .map(|it| f64::from(it) / 255.0)
            .collect();
        for (row, bias) in layer.bias.iter().enumerate() {
            let matrix = &layer.terms[0].matrix;
            let products = matrix
                .row(row)
                .map(|(column, weight)| weight * pixels[column]);
            let value = products.sum::<f64>() + bias;
            let value = if squared { value * value } else { value };
            (sum, values) = (sum + value * value, values + 1.0);
        }
    }
    f64::sqrt(sum / values)
}

#[track_caller]
fn check_range(steps: usize, squared: bool) {
    let directory = images(3, Some(&[0, 1, 2]));
    let mut options = options(file(&directory));
    (options.steps, options.parameters) = (Some(steps), Some(n12()));
    let report = check(&options).unwrap();
    assert_eq!((report.model.steps, report.model.all_steps), (steps, 3));
    let measured = report.sets[0].measured.as_ref().unwrap();
    let expected = first_layer(3, squared);
    let found = measured.outputs.values;
    assert!(
        (found / expected - 1.0).abs() < 1e-9,
        "{found} instead of {expected}"
    );
    assert!(measured.outputs.rms < expected / 4.0);
    // Values between layers are no classes.
    assert_eq!(
        (
            measured.agreement,
            measured.accuracy,
            measured.plain_accuracy
        ),
        (None, None, None)
    );
}

#[test]
fn the_first_layer() {
    check_range(1, false);
}

#[test]
fn the_first_layer_with_its_activation() {
    check_range(2, true);
}

#[test]
fn no_part_of_the_network() {
    let directory = images(1, None);
    for steps in [0, 4] {
        let mut options = options(file(&directory));
        options.steps = Some(steps);
        let expected = format!("the network has steps 0..3, and 0..{steps} is no part of it");
        assert_eq!(check(&options).unwrap_err().to_string(), expected);
    }
}
