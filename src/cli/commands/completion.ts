import { failure } from '../../api/contract/exit.ts';
import { type Command, operand } from '../command.ts';
import { commandTree } from '../completion/tree.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export const completion: Command = {
  operands: [{ name: 'shell', description: shells.join(', '), required: true, completes: shells }],
  options: [],
  examples: [
    ['completion bash > /etc/bash_completion.d/kapal', 'for every user of bash'],
    ['completion zsh > "${fpath[1]}/_kapal"', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/kapal.fish', 'for fish'],
  ],
  async run(invocation) {
    const { out, json } = invocation;
    const shell = shells.find((known) => known === operand(invocation, 0));
    if (shell === undefined)
      throw failure('usage', `there is no completion for ${operand(invocation, 0)}`, {
        hint: `There is for ${shells.join(', ')}.`,
      });
    const script = await scriptFor(shell);
    if (json) out.json({ shell, script });
    else out.out.write(script);
    return 0;
  },
};

async function scriptFor(shell: (typeof shells)[number]): Promise<string> {
  const tree = await commandTree();
  switch (shell) {
    case 'bash':
      return (await import('../completion/bash.ts')).bashScript(tree);
    case 'zsh':
      return (await import('../completion/zsh.ts')).zshScript(tree);
    case 'fish':
      return (await import('../completion/fish.ts')).fishScript(tree);
  }
}
