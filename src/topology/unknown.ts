import { MeshError } from '../errors.ts'
import { describeValue, didYouMean } from '../nearest.ts'

/** Names listed in an error; the rest is counted. */
const namesShown = 30

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const sorted = [...names].sort()
  const rest = sorted.length - namesShown
  return rest > 0 ? `${sorted.slice(0, namesShown).join(', ')} and ${rest} more` : sorted.join(', ')
}

/** From JavaScript anything may come as a name; then its type is shown. */
const quoted = (name: unknown): string => (typeof name === 'string' ? `"${name}"` : describeValue(name))

/** The error for a name that is no service of the mesh. `at` is the place in a definition where the name stands. */
export function unknownService(
  name: string,
  mesh: string,
  known: readonly string[],
  { at, fix }: { at?: string; fix?: string } = {},
): MeshError {
  const hint = didYouMean(String(name), known)
  const what = `${at ? `${at}: no` : 'No'} service ${quoted(name)} in mesh "${mesh}".${hint}`
  return new MeshError('MESH_UNKNOWN_SERVICE', what, { details: [`Services: ${listed(known)}`], fix })
}

/** The error for a name that is no edge of the mesh. `services` are the mesh's, to tell a wrong name from an undeclared call. */
export function unknownEdge(
  name: string,
  mesh: string,
  known: readonly string[],
  services: readonly string[] = [],
): MeshError {
  const [caller = '', callee, ...rest] = String(name).split('->')
  const reversed = `${callee}->${caller}`
  const hint = known.includes(reversed) ? ` Did you mean "${reversed}"?` : didYouMean(String(name), known)
  const what = `No edge ${quoted(name)} in mesh "${mesh}".${hint}`
  const isCallable = callee !== undefined && services.includes(caller) && services.includes(callee)
  let fix: string | undefined
  if (callee === undefined || rest.length > 0) fix = 'An edge is written "caller->callee".'
  else if (isCallable) fix = `Declare it: ${keyText(caller)}: { calls: { ${keyText(callee)}: {} } }.`
  return new MeshError('MESH_UNKNOWN_EDGE', what, { details: [`Edges: ${listed(known)}`], fix })
}

const keyText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)
