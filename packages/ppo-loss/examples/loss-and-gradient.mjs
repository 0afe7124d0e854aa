// A loss and its gradient from plain tensors, outside of any trainer: one prompt answered twice, once right; two tokens and one.
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { dapoLoss, grpoAdvantages, lossReduction } from "@longcot/ppo-loss";

const { advantages } = grpoAdvantages({ rewards: [1, 0], groupSize: 2 });
const { rowWeights, tokenDenominator } = lossReduction({ aggregation: "token-mean", lengths: [2, 1] });
const lossOf = (logProbs) =>
  dapoLoss({
    logProbs,
    oldLogProbs: tf.tensor2d([-0.5, -1, -0.2, 0], [2, 2]),
    advantages: tf.tensor1d(Float32Array.from(advantages)),
    mask: tf.tensor2d([1, 1, 1, 0], [2, 2]),
    rowWeights: tf.tensor1d(rowWeights),
    tokenDenominator,
  }).loss;

const { value, grad } = tf.valueAndGrad(lossOf)(tf.tensor2d([-0.4, -1, -0.6, 0], [2, 2]));
console.log(JSON.stringify({ loss: value.dataSync()[0], gradient: [...grad.dataSync()] }));
