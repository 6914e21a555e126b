import type { BuildRecipe } from '../../model/build-recipe.ts';

/** A language's recipe with a declared command in place of its steps: what it needs and sets stays, and what is to be done before and after. */
export function withCommand(recipe: BuildRecipe, command: string | null): BuildRecipe {
  if (command === null) return recipe;
  const step = { title: 'Running buildCommand', command };
  return { ...recipe, install: recipe.before, build: [step, ...recipe.after] };
}

/** An application, and the pages that another language makes for it: the dependencies of both before anything is made, the pages first. */
export function withPages(application: BuildRecipe, pages: BuildRecipe): BuildRecipe {
  return {
    files: [...application.files, ...pages.files],
    install: [...application.install, ...pages.install],
    build: [...pages.build, ...application.build],
    before: application.before,
    after: application.after,
    requires: [...application.requires, ...pages.requires],
    path: [...application.path, ...pages.path],
    environment: { ...pages.environment, ...application.environment },
    caches: { ...pages.caches, ...application.caches },
    notes: [...application.notes, ...pages.notes],
    manager: application.manager ?? pages.manager,
    ...(application.better === undefined ? {} : { better: application.better }),
    ...(application.supervisor === undefined ? {} : { supervisor: application.supervisor }),
  };
}
