/**
 * Makes `libs/contracts/src/generated` from the contracts here. With `--check` it changes nothing: it lints the
 * contracts, compares them with what was released last, and fails where the generated code is not what they give.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../libs/contracts/src/generated', import.meta.url));

function buf(...args: string[]): void {
  execFileSync('buf', args, { cwd: here, stdio: 'inherit' });
}

/** Messages and methods, and the descriptors that reflection serves. */
function generate(folder: string): void {
  const template = readFileSync(join(here, 'buf.gen.yaml'), 'utf8').replace('GENERATED', folder);
  const scratch = mkdtempSync(join(tmpdir(), 'contracts-'));
  try {
    writeFileSync(join(scratch, 'buf.gen.yaml'), template);
    buf('generate', '--template', join(scratch, 'buf.gen.yaml'));
    const image = join(scratch, 'image.binpb');
    buf('build', '--as-file-descriptor-set', '--exclude-source-info', '-o', image);
    const text = readFileSync(image).toString('base64');
    writeFileSync(
      join(folder, 'descriptors.ts'),
      `/** A google.protobuf.FileDescriptorSet of all contracts, in base64. */\nexport const descriptors =\n  '${text}';\n`,
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length), readFileSync(path, 'utf8')];
    }),
  );
}

function check(): void {
  buf('lint');
  buf('breaking', '--against', 'released.binpb');
  const scratch = mkdtempSync(join(tmpdir(), 'contracts-'));
  try {
    generate(scratch);
    const [made, there] = [contents(scratch), contents(target)];
    const stale = [...new Set([...made.keys(), ...there.keys()])].filter((f) => made.get(f) !== there.get(f));
    if (stale.length > 0) {
      process.stderr.write(`not what proto/ gives: ${stale.join(', ')}; run npm run proto\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv.includes('--check')) check();
else generate(target);
