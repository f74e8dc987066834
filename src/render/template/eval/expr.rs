//! Pipelines, commands, operands, fields and calls: everything that computes a value.

use super::super::ast::{Command, Expr, Number, Pipe, Place};
use super::super::errors::Fault;
use super::super::function::{FnError, Function, Reads, Type};
use super::super::methods;
use super::super::value::{Str, Value};
use super::{Operand, Ran, Run};

impl<'t> Run<'_, 't> {
    pub(super) fn pipeline(&mut self, dot: &Operand, pipe: &'t Pipe) -> Ran<Operand> {
        self.at(Place::Pipe(pipe));
        let mut value: Option<Operand> = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?.settled());
        }
        let mut value = value.unwrap_or_else(|| Operand::of(Value::Invalid));
        value.from = self.context.trace.current();
        for variable in &pipe.decl {
            if pipe.is_assign {
                self.assign(variable.id, &variable.name, value.clone())?;
            } else {
                self.vars.push((variable.id, value.clone()));
            }
        }
        Ok(value)
    }

    fn not_a_function(&self, args: &'t [Expr], last: Option<&Operand>) -> Ran<()> {
        if args.len() > 1 || last.is_some() {
            let shown = args.first().map(|arg| Place::Expr(arg).written(&self.tree.source));
            return self.fail(format!("can't give argument to non-function {}", shown.unwrap_or_default()));
        }
        Ok(())
    }

    fn command(&mut self, dot: &Operand, command: &'t Command, last: Option<Operand>) -> Ran<Operand> {
        let Some(first) = command.args.first() else { return self.fail("empty command") };
        match first {
            Expr::Field { .. } | Expr::Chain { .. } => self.fields(dot, first, &command.args, last),
            Expr::Variable { names, .. } if !names.is_empty() => self.fields(dot, first, &command.args, last),
            Expr::Variable { variable, .. } => {
                self.at(Place::Expr(first));
                let value = self.variable(variable.id, &variable.name)?;
                self.flows(&value);
                self.not_a_function(&command.args, last.as_ref())?;
                Ok(value)
            }
            Expr::Function { function, .. } => {
                self.at(Place::Expr(first));
                let args = command.args.get(1..).unwrap_or_default();
                self.call(dot, function, None, Place::Command(command), args, last)
            }
            Expr::Pipe(pipe) => {
                self.not_a_function(&command.args, last.as_ref())?;
                self.pipeline(dot, pipe)
            }
            _ => {
                self.at(Place::Expr(first));
                self.not_a_function(&command.args, last.as_ref())?;
                match first {
                    Expr::Dot { .. } => {
                        self.flows(dot);
                        Ok(dot.clone())
                    }
                    Expr::Nil { .. } => self.fail("nil is not a command"),
                    _ => self.literal(first).map(Operand::of),
                }
            }
        }
    }

    fn variable(&self, id: u32, name: &str) -> Ran<Operand> {
        match self.vars.iter().rev().find(|(other, _)| *other == id) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// A field, a variable's fields or a chain; the last name may be a method that gets the arguments.
    fn fields(
        &mut self,
        dot: &Operand,
        expr: &'t Expr,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Ran<Operand> {
        self.at(Place::Expr(expr));
        let (mut receiver, names) = match expr {
            Expr::Field { names, .. } => (dot.clone(), names),
            Expr::Variable { variable, names, .. } => (self.variable(variable.id, &variable.name)?, names),
            Expr::Chain { of, names, .. } => {
                if matches!(**of, Expr::Nil { .. }) {
                    let shown = Place::Expr(expr).written(&self.tree.source);
                    return self.fail(format!("indirection through explicit nil in {shown}"));
                }
                (self.operand(dot, of)?, names)
            }
            _ => return self.operand(dot, expr),
        };
        let place = Place::Expr(expr);
        let Some((method, path)) = names.split_last() else { return Ok(receiver) };
        for name in path {
            receiver = self.field(dot, name, place, &[], None, &receiver, true)?;
        }
        self.field(dot, method, place, args, last, &receiver, false)
    }

    #[allow(clippy::too_many_arguments, reason = "Go's `evalField`, and whether another name follows")]
    fn field(
        &mut self,
        dot: &Operand,
        name: &Str,
        place: Place<'t>,
        args: &'t [Expr],
        last: Option<Operand>,
        receiver: &Operand,
        is_way: bool,
    ) -> Ran<Operand> {
        match &receiver.value {
            Value::Invalid => return Ok(Operand::of(Value::Invalid)),
            Value::Nil => return self.fail(format!("nil pointer evaluating interface {{}}.{name}")),
            _ => {}
        }
        if let Some(method) = methods::find(&receiver.value, name) {
            let args = args.get(1..).unwrap_or_default();
            return self.call(dot, method, Some(receiver.value.clone()), place, args, last);
        }
        let has_args = args.len() > 1 || last.is_some();
        match &receiver.value {
            Value::Map(map) => {
                if has_args {
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                let found = map.get(name);
                let way = found.is_some() && is_way;
                self.context.trace.read(map.origin(), name, found.as_ref(), way);
                self.flows(receiver);
                let value = found.unwrap_or_else(|| map.kind().zero());
                return Ok(Operand { value, dynamic: map.kind().is_any(), from: receiver.from });
            }
            Value::Object(object) => {
                if let Some(value) = object.field(name) {
                    if has_args {
                        return self.fail(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(Operand::of(value));
                }
            }
            _ => {}
        }
        self.fail(format!("can't evaluate field {name} in type {}", receiver.go_type()))
    }

    /// Go's `evalCall`: counts and types of the arguments are checked here, with `last` coming from the pipeline.
    fn call(
        &mut self,
        dot: &Operand,
        function: &'static Function,
        receiver: Option<Value>,
        place: Place<'t>,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Ran<Operand> {
        self.context.step()?;
        let name = function.name;
        let given = args.len() + usize::from(last.is_some());
        let fixed = function.params.len();
        if function.rest.is_some() {
            if given < fixed {
                return self.fail(format!(
                    "wrong number of args for {name}: want at least {fixed} got {}",
                    args.len()
                ));
            }
        } else if given != fixed {
            return self.fail(format!("wrong number of args for {name}: want {fixed} got {given}"));
        }
        if receiver.is_none() && matches!(name, "and" | "or") {
            return self.decide(dot, name == "or", args, last);
        }
        let mut values = Vec::with_capacity(given + usize::from(receiver.is_some()));
        let own = usize::from(receiver.is_some());
        values.extend(receiver);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, function.param(index), arg)?);
        }
        if let Some(last) = last {
            values.push(self.validated(last, function.param(args.len()))?);
        }
        if function.reads == Reads::Deep {
            for value in &values[own..] {
                self.context.read_whole(value);
            }
        }
        match (function.code)(self.context, &values) {
            Ok(value) => Ok(Operand { dynamic: matches!(value, Value::Nil), value, from: None }),
            Err(FnError::Limit(fault)) => Err(fault),
            Err(error) => {
                self.at(place);
                let fault = match error {
                    FnError::Words(words) => Fault::other(words),
                    FnError::Nested(words, fault) if words.is_empty() => *fault,
                    FnError::Nested(words, fault) => {
                        let kind = super::FaultKind::Other;
                        fault.inside(kind, words)
                    }
                    FnError::Limit(fault) => *fault,
                };
                self.fail_with(&format!("error calling {name}: "), fault)
            }
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn decide(
        &mut self,
        dot: &Operand,
        stop_at: bool,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Ran<Operand> {
        let mut value = Value::Invalid;
        for arg in args {
            value = self.argument(dot, Type::Reflect, arg)?;
            if value.is_true() == stop_at {
                return Ok(Operand::of(value));
            }
        }
        if let Some(last) = last {
            value = self.validated(last, Type::Reflect)?;
        }
        Ok(Operand::of(value))
    }

    /// Go's `evalArg` for a parameter of a type.
    fn argument(&mut self, dot: &Operand, wanted: Type, expr: &'t Expr) -> Ran<Value> {
        self.at(Place::Expr(expr));
        match expr {
            Expr::Dot { .. }
            | Expr::Field { .. }
            | Expr::Variable { .. }
            | Expr::Pipe(_)
            | Expr::Function { .. }
            | Expr::Chain { .. } => {
                let operand = self.operand(dot, expr)?;
                return self.validated(operand, wanted);
            }
            Expr::Nil { .. } => {
                if wanted.can_be_nil() {
                    return Ok(wanted.nil());
                }
                return self.fail(format!("cannot assign nil to {}", wanted.go_type()));
            }
            Expr::Bool { .. } | Expr::Number(_) | Expr::String { .. } => {}
        }
        let expected = |what: &str, run: &Self| {
            run.fail(format!("expected {what}; found {}", Place::Expr(expr).written(&run.tree.source)))
        };
        match (wanted, expr) {
            (Type::Any | Type::Reflect, _) => self.literal(expr),
            (Type::Bool, Expr::Bool { on, .. }) => Ok(Value::Bool(*on)),
            (Type::Bool, _) => expected("bool", self),
            (Type::Str, Expr::String { value, .. }) => Ok(Value::Str(value.clone())),
            (Type::Str, _) => expected("string", self),
            (Type::Int, Expr::Number(Number { int: Some(n), .. })) => Ok(Value::Int(*n)),
            (Type::Int64, Expr::Number(Number { int: Some(n), .. })) => Ok(Value::Int64(*n)),
            (Type::Int | Type::Int64, _) => expected("integer", self),
            (Type::Uint32, Expr::Number(Number { uint: Some(n), .. })) => Ok(Value::Uint32(*n as u32)),
            (Type::Uint32, _) => expected("unsigned integer", self),
            (Type::Float, Expr::Number(Number { float: Some(n), .. })) => Ok(Value::Float(*n)),
            (Type::Float, _) => expected("float", self),
            _ => self.fail(format!(
                "can't handle {} for arg of type {}",
                Place::Expr(expr).written(&self.tree.source),
                wanted.go_type()
            )),
        }
    }

    /// An operand whose type is not asked for.
    fn operand(&mut self, dot: &Operand, expr: &'t Expr) -> Ran<Operand> {
        self.at(Place::Expr(expr));
        match expr {
            Expr::Dot { .. } => {
                self.flows(dot);
                Ok(dot.clone())
            }
            Expr::Variable { variable, names, .. } if names.is_empty() => {
                let value = self.variable(variable.id, &variable.name)?;
                self.flows(&value);
                Ok(value)
            }
            Expr::Field { .. } | Expr::Variable { .. } | Expr::Chain { .. } => {
                self.fields(dot, expr, &[], None)
            }
            Expr::Pipe(pipe) => self.pipeline(dot, pipe),
            Expr::Function { function, .. } => self.call(dot, function, None, Place::Expr(expr), &[], None),
            Expr::Nil { .. } => Ok(Operand::of(Value::Invalid)),
            _ => self.literal(expr).map(Operand::of),
        }
    }

    /// A constant where no type is asked for: Go's `idealConstant`.
    fn literal(&mut self, expr: &'t Expr) -> Ran<Value> {
        match expr {
            Expr::Bool { on, .. } => Ok(Value::Bool(*on)),
            Expr::String { value, .. } => Ok(Value::Str(value.clone())),
            Expr::Number(number) => match (number.float, number.int) {
                (Some(float), _) if number.is_float => Ok(Value::Float(float)),
                (_, Some(int)) => Ok(Value::Int(int)),
                _ => {
                    let shown = Place::Expr(expr).written(&self.tree.source);
                    self.fail(format!("{shown} overflows int"))
                }
            },
            _ => self.fail("can't evaluate command"),
        }
    }

    /// Go's `validateType`.
    fn validated(&mut self, operand: Operand, wanted: Type) -> Ran<Value> {
        let value = operand.value;
        match (&value, wanted) {
            (Value::Invalid, Type::Any) => Ok(Value::Nil),
            (_, Type::Reflect | Type::Any) => Ok(value),
            (Value::Invalid, _) if wanted.can_be_nil() => Ok(wanted.nil()),
            (Value::Invalid, _) => self.fail(format!("invalid value; expected {}", wanted.go_type())),
            (Value::Nil, _) => {
                self.fail(format!("wrong type for value; expected {}; got interface {{}}", wanted.go_type()))
            }
            _ if wanted.takes(&value) => Ok(value),
            _ => self.fail(format!(
                "wrong type for value; expected {}; got {}",
                wanted.go_type(),
                value.go_type()
            )),
        }
    }
}
