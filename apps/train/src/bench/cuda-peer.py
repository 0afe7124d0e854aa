"""PyTorch and transformers on an NVIDIA GPU, for `longcot bench train generate`: python cuda-peer.py train|generate [--vocab --hidden … --repeats] [--precision bfloat16].

    pip install torch transformers
    longcot bench train generate --engine tensorflow-gpu --xla --against apps/train/src/bench/cuda-peer.py --python .venv/bin/python

One JSON line with the median. Qwen2 with random weights, the jobs of train-job.ts and generate-job.ts. float32 is PyTorch's own, without TensorFloat-32;
bfloat16 is autocast over float32 weights. Every figure is taken after the GPU has finished.
"""
import argparse, json, os, statistics, time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
p = argparse.ArgumentParser()
p.add_argument("job", choices=["train", "generate"])
for name, default in dict(vocab=512, hidden=256, layers=4, heads=4, ffn=768, batch=16, time=128, sequences=64, prompt=16, new=128,
                          completions=64, group=8, repeats=5).items():
    p.add_argument("--" + name, type=int, default=default)
p.add_argument("--ragged", action="store_true")
p.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
a = p.parse_args()
if a.ragged:
    a.vocab, a.new = 64, 512

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

torch.manual_seed(0)
torch.set_default_device("cuda")
PAD, EOS = 0, 1
model = Qwen2ForCausalLM(Qwen2Config(
    vocab_size=a.vocab, hidden_size=a.hidden, intermediate_size=a.ffn, num_hidden_layers=a.layers, num_attention_heads=a.heads,
    num_key_value_heads=a.heads, tie_word_embeddings=True, max_position_embeddings=2048, pad_token_id=PAD, eos_token_id=EOS))
autocast = torch.autocast("cuda", torch.bfloat16, enabled=a.precision == "bfloat16")


def timed(call):
    torch.cuda.synchronize()
    start = time.perf_counter()
    result = call()
    torch.cuda.synchronize()
    return result, time.perf_counter() - start


if a.job == "train":
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    ids = torch.randint(3, a.vocab, (a.batch, a.time))

    def step():
        with autocast:
            loss = model(ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    for _ in range(3):
        step()
    seconds = statistics.median(timed(step)[1] for _ in range(2 * a.repeats))
    figures = dict(seconds_per_step=seconds, tokens_per_s=a.batch * a.time / seconds, median_of=2 * a.repeats)
else:
    model.eval()
    prompts = torch.randint(3, a.vocab, (a.sequences, a.prompt))

    @torch.no_grad()
    def run():
        with autocast:
            out = model.generate(prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=a.new, do_sample=True, temperature=1.0,
                                 top_k=0, top_p=1.0, pad_token_id=PAD, eos_token_id=EOS if a.ragged else None)
        return int((out[:, a.prompt:] != PAD).sum())

    run()
    rates = [tokens / seconds for tokens, seconds in (timed(run) for _ in range(a.repeats))]
    figures = dict(tokens_per_s=statistics.median(rates), median_of=a.repeats)
print(json.dumps(dict(job=a.job, ragged=a.ragged, parameters=sum(x.numel() for x in model.parameters()), torch=torch.__version__,
                      device=torch.cuda.get_device_name(), precision=a.precision, **figures)))
