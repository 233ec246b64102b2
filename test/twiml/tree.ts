import { SaxesParser } from 'saxes'

/** What a reader sees of an element: attributes without order, neighbouring text joined, empty text gone. */
export interface Tree {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: (Tree | string)[]
}

/** Reads XML, and throws at what is not well-formed. */
export function parseTree(xml: string): Tree {
  const parser = new SaxesParser({ xmlns: false })
  const open: Tree[] = [{ name: '', attributes: {}, children: [] }]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const tree: Tree = { name, attributes: { ...attributes }, children: [] }
    open.at(-1)!.children.push(tree)
    open.push(tree)
  })
  parser.on('closetag', () => open.pop())
  parser.on('text', (text) => {
    const { children } = open.at(-1)!
    const last = children.at(-1)
    if (text === '') return
    if (typeof last === 'string') children[children.length - 1] = last + text
    else children.push(text)
  })
  parser.write(xml).close()
  return open[0]!.children[0] as Tree
}
