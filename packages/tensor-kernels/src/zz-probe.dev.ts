import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { openEngine } from "/work/main/packages/tensor-kernels/src/engine/open-engine.ts";
const e = await openEngine({engine:"tensorflow"});
const f = (n:string, fn:()=>tf.Tensor) => async () => {
  let tr:string="", a:any, b:any;
  try { const c = e.compile(n,{},()=>{const o=fn(); tr=o.dtype+"["+o.shape+"]"; return {o};}); a=[...(await c({})).o].join(); } catch(x){a=String(x).slice(0,200)}
  tf.setBackend("cpu"); const o=fn(); b=[...o.dataSync()].join();
  console.log(n, a===b && tr===o.dtype+"["+o.shape+"]"?"ok":"DIFF", "| trace", tr, a, "| cpu", o.dtype+"["+o.shape+"]", b);
};
const X=()=>tf.tensor1d([-2.5,-0.5,0,3]); const I=()=>tf.tensor2d([[1,2,4],[7,9,10]],[2,3],"int32"); const B=()=>tf.tensor1d([1,0,1],"bool");
for (const t of [
 f("step",()=>tf.step(X(),0.25)), f("stack",()=>tf.stack([I(),I()],-1)), f("meanint",()=>tf.mean(I(),1)), f("floordiv",()=>tf.floorDiv(X(),tf.scalar(2))),
 f("divint",()=>tf.div(I(),tf.scalar(2,"int32"))), f("clipint",()=>tf.clipByValue(I(),2,8)), f("sumbool",()=>tf.sum(B())), f("maxbool",()=>tf.max(B())), f("addbool",()=>tf.add(B(),B())),
 f("reluint",()=>tf.relu(I())), f("expint",()=>tf.exp(I())), f("sqrtint",()=>tf.sqrt(I())), f("sigmoidint",()=>tf.sigmoid(I())), f("stepint",()=>tf.step(I())),
 f("where",()=>tf.where(B(),I(),tf.zerosLike(I()))), f("castneg",()=>tf.cast(X(),"int32")), f("signint",()=>tf.sign(I())), f("floorint",()=>tf.floor(I())),f("roundint",()=>tf.round(I())),
 f("isnanint",()=>tf.isNaN(I())), f("padbool",()=>tf.pad(B(),[[1,1]],1)), f("cumbool",()=>tf.cumsum(I(),-1)), f("logsumexp",()=>tf.logSumExp(X())), f("oneHotbool",()=>tf.oneHot(tf.tensor1d([0,1],"int32"),2,1,0,"bool")),
 f("argmaxbool",()=>tf.argMax(tf.cast(B(),"int32"))), f("fillbool",()=>tf.fill([2],1 as any,"bool")), f("onesbool",()=>tf.ones([2],"bool")), f("concatbool",()=>tf.concat([B(),B()])), f("powmix",()=>tf.pow(I(),tf.scalar(0.5))), f("negbool",()=>tf.tile(B(),[2])),
 f("sumempty",()=>tf.sum(tf.zeros([0,3]),0)), f("maxneg",()=>tf.max(I(),-1)), f("leakyRelu",()=>tf.step(tf.tensor1d([NaN,1]))), f("reverse",()=>tf.reverse(I())), f("squeeze",()=>tf.squeeze(tf.expandDims(I(),-1))), f("const same", ()=>tf.tensor1d([-0,0])),f("topk int",()=>tf.topk(I(),2).values), f("unstack",()=>tf.unstack(I(),-1)[1]!), f("einsum",()=>tf.einsum("ij,kj->ik",tf.cast(I(),"float32"),tf.cast(I(),"float32"))),
 f("erf",()=>tf.erf(X())), f("mod",()=>tf.mod(X(),tf.scalar(-2))), f("bincount",()=>tf.sum(tf.softplus(X()))), f("bigconst",()=>tf.tensor1d(Array.from({length:40},(_,i)=>i)))
]) await t();
await e.close();
