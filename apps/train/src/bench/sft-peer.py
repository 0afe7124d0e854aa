"""TRL's SFTTrainer with packing on the work of `longcot bench sft`: python sft-peer.py sft [--vocab --hidden --layers --heads --ffn --batch --time --prompt --repeats].

    pip install torch transformers trl datasets
    longcot bench sft --against apps/train/src/bench/sft-peer.py --python .venv/bin/python

One JSON line: useful tokens (completions, whose loss is learnt) a second, the median over steps. Qwen2 with random weights, float32. Examples as in
sft-job.ts: example i has --prompt tokens of prompt and 1 + 37 i mod (time − prompt) of completion; a step has about --batch x --time tokens.
"""
import argparse, json, os, statistics, tempfile, time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
p = argparse.ArgumentParser()
p.add_argument("job", choices=["sft"])
for name, default in dict(vocab=512, hidden=256, layers=4, heads=4, ffn=768, batch=16, time=128, sequences=64, prompt=16, new=128,
                          completions=64, group=8, repeats=5).items():
    p.add_argument("--" + name, type=int, default=default)
p.add_argument("--ragged", action="store_true")
a = p.parse_args()

import torch
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, TrainerCallback
from trl import SFTConfig, SFTTrainer

torch.manual_seed(0)
words = {f"t{i}": i for i in range(a.vocab)}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="t2")), pad_token="t0", eos_token="t1", unk_token="t2")
model = Qwen2ForCausalLM(Qwen2Config(
    vocab_size=a.vocab, hidden_size=a.hidden, intermediate_size=a.ffn, num_hidden_layers=a.layers, num_attention_heads=a.heads,
    num_key_value_heads=a.heads, tie_word_embeddings=True, max_position_embeddings=2048, pad_token_id=0, eos_token_id=1))

WARM_UP = 3
steps = WARM_UP + 2 * a.repeats
rows, total = [], 0
while total < (steps + 1) * a.batch * a.time:
    completion = 1 + (37 * len(rows)) % (a.time - a.prompt)
    ids = torch.randint(3, a.vocab, (a.prompt + completion,)).tolist()
    rows.append(dict(input_ids=ids, completion_mask=[0] * a.prompt + [1] * completion))
    total += len(ids)


class Clock(TrainerCallback):
    """Seconds of each step, from its first forward pass to the end of its update."""
    seconds, start = [], 0.0

    def on_step_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.start)


useful = []


class Counted(SFTTrainer):
    def compute_loss(self, model, inputs, *args, **kwargs):
        useful.append(int((inputs["labels"] != -100).sum()))
        return super().compute_loss(model, inputs, *args, **kwargs)


with tempfile.TemporaryDirectory() as folder:
    trainer = Counted(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        args=SFTConfig(
            output_dir=folder, packing=True, max_length=a.time, per_device_train_batch_size=a.batch, max_steps=steps, learning_rate=1e-3, use_cpu=True,
            bf16=False, gradient_checkpointing=False, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, max_grad_norm=1.0,
            completion_only_loss=True, dataset_num_proc=None, shuffle_dataset=False),
        callbacks=[Clock()],
    )
    trainer.train()
rates = [tokens / seconds for tokens, seconds in zip(useful, Clock.seconds)][WARM_UP:]
print(json.dumps(dict(job=a.job, parameters=sum(x.numel() for x in model.parameters()), torch=torch.__version__, trl=trl.__version__,
                      tokens_per_s=statistics.median(rates), median_of=len(rates), seconds_per_step=statistics.median(Clock.seconds[WARM_UP:]),
                      useful_tokens_per_step=statistics.mean(useful[WARM_UP:]))))
