// tfjs-core's Node build knows the operations but not their gradients; the union package registers those.
import "@tensorflow/tfjs";
