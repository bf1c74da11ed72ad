import { freeDescriptors } from '../relay/file-descriptors.js'

/** Node opens the modules that it loads side by side: up to some 140 for these commands. Where it can't, it says that they don't exist, or anything else. */
const needed = 200

/** The same for `ls`, which loads some 30. */
const neededToList = 60

/** Why the program can't run with so few file descriptors, in words; null where there are enough. */
export function tooFewDescriptors(onlyLists: boolean): string | null {
  const free = freeDescriptors()
  const least = onlyLists ? neededToList : needed
  return free >= least ? null : `${free} file descriptors are left to open, and it takes ${least} to begin with: raise the limit, such as with ulimit -n 1024`
}
