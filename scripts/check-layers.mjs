/**
 * Holds what ARCHITECTURE.md says under "Who may import whom", so that nobody has to remember it: the layers, no
 * import cycles, time and chance handed in, and light doors. Editors show the coarser part of it through .oxlintrc.json.
 *
 *   node scripts/check-layers.mjs [root]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)))

// ---------------------------------------------------------------------------------------------------------- the rules

/** Rooms of src by layer. A folder that is not listed is an error: decide where it belongs. */
const layers = {
  ground: ['errors.ts', 'nearest.ts', 'time', 'random'],
  model: ['topology', 'call', 'journal'],
  rules: ['resilience', 'tracing', 'chaos', 'backend', 'discovery', 'routing'],
  engine: ['mesh'],
  studies: ['verdict', 'load', 'contract', 'consistency'],
  edges: ['transport', 'format', 'report'],
  'front door': ['index.ts', 'start-mesh.ts', 'start-gateway.ts', 'msw.ts'],
}

/** What a layer may import besides its own room. */
const mayImport = {
  ground: ['ground'],
  model: ['ground', 'model'],
  rules: ['ground', 'model'],
  engine: ['ground', 'model', 'rules'],
  studies: ['ground', 'model'],
  edges: ['ground', 'model'],
  'front door': Object.keys(layers),
}

/** What a layer may import besides, as types only: they are gone after compiling. */
const mayImportTypesOf = { studies: ['rules'], edges: ['rules'] }

/** Files of src that the matchers may import: what reads a journal, and nothing that runs a mesh. */
const openToMatchers = /^src\/(verdict\/|journal\/|errors\.ts$|nearest\.ts$|topology\/route\.ts$)/
/** src/errors and src/nearest besides the front door, which a door inside Jest's sandbox must not load. */
const openToFixtures = /^(src\/(index|start-mesh|errors|nearest)\.ts$|matchers\/|fixtures\/)/

const runners = /^(@playwright\/test|playwright|playwright-core|vitest|jest|expect|@jest\/|@vitest\/)(\/|$)?/
const heavy = /^(msw|@mswjs\/|@opentelemetry\/|cockatiel$)/

/**
 * Doors through which a test file comes inside Jest's sandbox, or which may be imported by any tool: nothing that they
 * reach by value loads msw, OpenTelemetry or the engine.
 */
const lightDoors = [/^matchers\//, /^fixtures\/jest\.ts$/, /^fixtures\/jest-sandbox\.ts$/]

/** Time and chance that bypass the clock and the seed. Looked for in src outside src/time, in code only. */
const ambient = [
  [/\bDate\.now\b/g, 'Date.now'],
  [/\bnew\s+Date\s*(\(\s*\)|(?![\w\s]*\())/g, 'new Date() without a time'],
  [/\bperformance\s*\.\s*now\b/g, 'performance.now'],
  [/\bprocess\s*\.\s*hrtime\b/g, 'process.hrtime'],
  [/(?<![.\w$#])(setTimeout|setInterval|setImmediate)\b(?!\s*\??:)/g, 'a global timer'],
  [/\bglobalThis\s*\.\s*(setTimeout|setInterval|setImmediate|Date|performance)\b/g, 'a global timer or clock'],
  [/\bAbortSignal\s*\.\s*timeout\b/g, 'AbortSignal.timeout'],
  [/\bMath\s*\.\s*random\b/g, 'Math.random'],
  [/\b(randomUUID|randomBytes|randomInt|getRandomValues)\b/g, "crypto's randomness"],
]
const timerModules = /^(node:)?timers(\/promises)?$/

/**
 * Places that read the ambient time or chance for a reason. `what` is the name given above (or the module's name).
 * @type {{ file: string, what: string, reason: string }[]}
 */
const exceptions = [
  {
    file: 'src/transport/gateway/key.ts',
    what: "crypto's randomness",
    reason: 'keys and tokens have to differ between meshes with the same seed that run at the same time',
  },
  {
    file: 'src/transport/http-exchange.ts',
    what: 'node:timers/promises',
    reason: 'turns of the real event loop, in which a socket of this process delivers what was written; no duration',
  },
  {
    file: 'src/transport/certificates.ts',
    what: "crypto's randomness",
    reason: 'names and numbers of certificates must never come again; no part of what is simulated',
  },
  {
    file: 'src/transport/root-certificate.ts',
    what: "crypto's randomness",
    reason: 'the same, for the certificate that vouches for the others',
  },
]

// ------------------------------------------------------------------------------------------------------ reading files

/** The source with comments and the insides of strings blanked (same length, same lines), and the strings themselves. */
function scan(source) {
  const code = source.split('')
  const strings = []
  const blank = (from, to) => {
    for (let i = from; i < to; i++) if (code[i] !== '\n') code[i] = ' '
  }
  // Ends of `${`, so that code inside templates is read as code.
  const braces = []
  let i = 0
  let last = '' // last significant character: tells a regular expression from a division
  let word = ''
  const template = () => {
    const from = i
    while (i < source.length && source[i] !== '`' && !(source[i] === '$' && source[i + 1] === '{'))
      i += source[i] === '\\' ? 2 : 1
    blank(from, i)
    if (source[i] === '$') {
      braces.push('template')
      i += 2
      last = '{'
    } else {
      i++
      last = '`'
    }
  }
  while (i < source.length) {
    const char = source[i]
    const next = source[i + 1]
    if (char === '/' && next === '/') {
      const end = source.indexOf('\n', i)
      blank(i, end < 0 ? source.length : end)
      i = end < 0 ? source.length : end
    } else if (char === '/' && next === '*') {
      const end = source.indexOf('*/', i + 2)
      blank(i, end < 0 ? source.length : end + 2)
      i = end < 0 ? source.length : end + 2
    } else if (char === "'" || char === '"') {
      const from = ++i
      while (i < source.length && source[i] !== char && source[i] !== '\n') i += source[i] === '\\' ? 2 : 1
      strings.push({ at: from - 1, text: source.slice(from, i) })
      blank(from, i)
      i++
      last = char
    } else if (char === '`') {
      i++
      template()
    } else if (
      char === '/' &&
      (last === '' || '(,=:[!&|?{};+-*<>%~^'.includes(last) || /^(return|typeof|case|of|in)$/.test(word))
    ) {
      const from = ++i
      let inClass = false
      while (i < source.length && source[i] !== '\n' && (inClass || source[i] !== '/')) {
        if (source[i] === '\\') i++
        else if (source[i] === '[') inClass = true
        else if (source[i] === ']') inClass = false
        i++
      }
      blank(from, i)
      i++
      last = '/'
    } else {
      if (char === '{') braces.push('block')
      if (char === '}' && braces.pop() === 'template') {
        i++
        template()
        continue
      }
      if (/[\w$]/.test(char)) word = /[\w$]/.test(source[i - 1] ?? '') ? word + char : char
      else if (/\S/.test(char)) word = ''
      if (/\S/.test(char)) last = char
      i++
    }
  }
  return { code: code.join(''), strings: new Map(strings.map(({ at, text }) => [at, text])) }
}

const lineAt = (source, index) => source.slice(0, index).split('\n').length

/** Whether an import or export clause leaves nothing behind after compiling: `type X`, `{ type A, type B }`. */
function isTypeClause(clause) {
  const text = clause.trim()
  if (/^type\b(?!\s*(,|from\b))/.test(text)) return true
  const names = /^\{([^}]*)\}$/.exec(text)?.[1]
  if (names === undefined) return false
  const parts = names.split(',').map((part) => part.trim())
  return parts.filter(Boolean).length > 0 && parts.every((part) => part === '' || /^type\s/.test(part))
}

function importsOf(source) {
  const { code, strings } = scan(source)
  const found = []
  const add = (match, quoteAt, typeOnly) => {
    const specifier = strings.get(quoteAt)
    if (specifier !== undefined) found.push({ specifier, typeOnly, line: lineAt(source, match.index) })
  }
  // Clauses hold no quotes and no semicolons, so `from` belongs to the nearest import before it.
  for (const match of code.matchAll(/(?<![.\w$])(import|export)\b([^;'"`()]*?)\bfrom\s*(?=['"])/g))
    add(match, match.index + match[0].length, isTypeClause(match[2]))
  for (const match of code.matchAll(/(?<![.\w$])import\s*(?=['"])/g)) add(match, match.index + match[0].length, false)
  for (const match of code.matchAll(/(?<![.\w$])(import|require)\s*\(\s*(?=['"])/g)) {
    const before = code.slice(0, match.index)
    // `import('x').Name` in a type position; after `await`, `(` or an arrow it is a call.
    const isType = match[1] === 'import' && /(\btypeof|[:<|&])\s*$/.test(before) && !/\?[^?:]*:\s*$/.test(before)
    add(match, match.index + match[0].length, isType)
  }
  return { imports: found, code }
}

const filesUnder = (folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .sort()
    : []

// --------------------------------------------------------------------------------------------------------- the checks

const problems = []
const problem = (file, line, what, rule) => problems.push({ file, line, what, rule })

const layerOfRoom = new Map(Object.entries(layers).flatMap(([layer, rooms]) => rooms.map((room) => [room, layer])))
const roomOf = (file) => (file.startsWith('src/') ? file.split('/')[1] : file.split('/')[0])
const layerOf = (file) => layerOfRoom.get(roomOf(file))

function checkLayer(file, target, { line, typeOnly }) {
  const wording = `imports ${target}${typeOnly ? ' (types)' : ''}`
  if (file.startsWith('src/')) {
    if (!target.startsWith('src/')) return problem(file, line, wording, 'src never imports fixtures or matchers')
    const [from, to] = [layerOf(file), layerOf(target)]
    if (!from || !to || roomOf(file) === roomOf(target) || mayImport[from].includes(to)) return
    if (typeOnly && mayImportTypesOf[from]?.includes(to)) return
    const types = mayImportTypesOf[from] ? `; as types: ${mayImportTypesOf[from].join(', ')}` : ''
    const each = from === to ? ', never each other' : ''
    problem(file, line, wording, `${from} -> ${mayImport[from].join(', ')}${types}${each} (this is ${to})`)
  } else if (file.startsWith('matchers/')) {
    if (!target.startsWith('matchers/') && !openToMatchers.test(target))
      problem(file, line, wording, 'matchers -> src/verdict, src/journal, src/errors, src/nearest, src/topology/route')
  } else if (!openToFixtures.test(target) && !(typeOnly && target.startsWith('src/')))
    problem(
      file,
      line,
      wording,
      'fixtures -> src/index, src/start-mesh, src/errors, src/nearest, matchers; as types: all of src',
    )
}

function checkPackage(file, { specifier, line, typeOnly }) {
  if (!runners.test(specifier)) return
  if (file.startsWith('matchers/')) problem(file, line, `imports ${specifier}`, 'matchers never import a test runner')
  if (file.startsWith('src/') && !typeOnly)
    problem(file, line, `imports ${specifier}`, 'src never loads a test runner (types are fine)')
}

/** `setTimeout(ms: number): this {` on a line of its own is a method of that name, as sockets have one. */
function isMethodDefinition(code, index) {
  const line = code.slice(code.lastIndexOf('\n', index) + 1).split('\n', 1)[0]
  return /^\s*((async|static|override)\s+)*\w+\(.*\)\s*(:[^=]+)?\{$/.test(line)
}

function checkAmbient(file, source, code, imports) {
  if (!file.startsWith('src/') || file.startsWith('src/time/')) return
  const isException = (what) => exceptions.some((entry) => entry.file === file && entry.what === what)
  const rule = 'time comes from a Clock, chance from Random (or list the reason in scripts/check-layers.mjs)'
  // What an import brings in is judged by its module, below, or where it is used.
  const body = code.replace(/(?<![.\w$])import\b[^;'"`()]*?\bfrom\b/g, (text) => text.replace(/\S/g, ' '))
  for (const [pattern, what] of ambient)
    for (const match of isException(what) ? [] : body.matchAll(pattern))
      if (!isMethodDefinition(body, match.index)) problem(file, lineAt(source, match.index), `uses ${what}`, rule)
  for (const { specifier, line, typeOnly } of imports)
    if (timerModules.test(specifier) && !typeOnly && !isException(specifier))
      problem(file, line, `imports ${specifier}`, rule)
}

/** Tarjan's strongly connected components, without recursion limits to fear at this size. */
function cycles(graph) {
  const state = new Map()
  const stack = []
  const found = []
  const visit = (node) => {
    const own = { index: state.size, low: state.size, onStack: true }
    state.set(node, own)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      const seen = state.get(next)
      if (!seen) own.low = Math.min(own.low, visit(next))
      else if (seen.onStack) own.low = Math.min(own.low, seen.index)
    }
    if (own.low === own.index) {
      const members = stack.splice(stack.indexOf(node))
      for (const member of members) state.get(member).onStack = false
      if (members.length > 1 || graph.get(node)?.has(node)) found.push(members)
    }
    return own.low
  }
  for (const node of graph.keys()) if (!state.has(node)) visit(node)
  return found
}

/** One way around inside a component, for the message. */
function wayAround(members, graph) {
  const inside = new Set(members)
  const start = members[0]
  const ways = [[start]]
  const seen = new Set()
  for (const way of ways)
    for (const next of graph.get(way.at(-1)) ?? []) {
      if (next === start) return [...way, start]
      if (!inside.has(next) || seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  return members
}

function checkLight(modules) {
  for (const door of modules.keys()) {
    if (!lightDoors.some((pattern) => pattern.test(door))) continue
    const ways = [[door]]
    const seen = new Set([door])
    for (const way of ways) {
      const file = way.at(-1)
      const module = modules.get(file)
      for (const entry of module?.imports ?? []) {
        if (entry.typeOnly) continue
        const target = module.targets.get(entry)
        const isHeavy = target
          ? target.startsWith('src/mesh/') || target === 'src/start-mesh.ts'
          : heavy.test(entry.specifier)
        if (isHeavy)
          problem(
            file,
            entry.line,
            `loads ${target ?? entry.specifier} (reached from ${way.join(' -> ')})`,
            'light doors load no msw, no OpenTelemetry, no engine',
          )
        else if (target && !seen.has(target)) {
          seen.add(target)
          ways.push([...way, target])
        }
      }
    }
  }
}

const files = ['src', 'fixtures', 'matchers'].flatMap(filesUnder)
const modules = new Map()
for (const file of files) {
  const source = readFileSync(join(root, file), 'utf8')
  const { imports, code } = importsOf(source)
  const targets = new Map()
  modules.set(file, { imports, targets })
  if (file.startsWith('src/') && !layerOf(file))
    problem(
      file,
      1,
      `room src/${roomOf(file)} has no layer`,
      'rooms are listed in ARCHITECTURE.md and scripts/check-layers.mjs',
    )
  for (const entry of imports) {
    if (!entry.specifier.startsWith('.')) {
      checkPackage(file, entry)
      continue
    }
    const target = posix.normalize(posix.join(posix.dirname(file), entry.specifier))
    targets.set(entry, target)
    if (!entry.specifier.endsWith('.ts'))
      problem(file, entry.line, `imports ${entry.specifier}`, 'relative imports end in .ts')
    checkLayer(file, target, entry)
  }
  checkAmbient(file, source, code, imports)
}
const graph = new Map([...modules].map(([file, { targets }]) => [file, new Set(targets.values())]))
for (const members of cycles(graph)) {
  const way = wayAround(members, graph)
  const module = modules.get(way[0])
  const entry = module.imports.find((one) => module.targets.get(one) === way[1])
  problem(way[0], entry?.line ?? 1, way.join(' -> '), 'no import cycles, types included')
}
checkLight(modules)

problems.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
for (const { file, line, what, rule } of problems) console.log(`${file}:${line}  ${what}\n    ${rule}`)
console.log(`layers: ${files.length} files, ${problems.length} problem${problems.length === 1 ? '' : 's'}`)
process.exitCode = problems.length > 0 ? 1 : 0
